/**
 * What GraphiQL opens with: a write and its read, a conflict and its end, and the live feed. Lines
 * fit the editor.
 */
export const defaultTabs: readonly { readonly query: string }[] = [
  {
    query: `# Writes a value, reads it back, and shows
# what each replica did for it. Run it twice: a
# put without a context replaces nothing.
mutation PutThenGet {
  put(
    keyspace: "demo"
    key: "greeting"
    value: { hello: "world" }
  ) {
    entry { current { inConflict context } }
    receipt {
      level required answered
      replicas { replica status elapsedMs }
    }
  }
  get(
    keyspace: "demo"
    key: "greeting"
    consistency: QUORUM
  ) {
    entry { id current { revision value } }
    receipt { level answered overlapping }
  }
}
`,
  },
  {
    query: `# Two writers who have not seen each other:
# both values are kept. To settle it, pass the
# context below to a third put of this key.
mutation Conflict {
  first: put(
    keyspace: "demo", key: "cart"
    value: ["apples"]
  ) { writeId }
  second: put(
    keyspace: "demo", key: "cart"
    value: ["pears"]
  ) { writeId }
  get(keyspace: "demo", key: "cart") {
    entry {
      current {
        inConflict
        siblings { value writtenAt dot }
        context
      }
    }
  }
}
`,
  },
  {
    query: `# Every change, over WebSocket. Leave it
# running, and write from another window.
subscription Changes {
  changes(keyspace: "demo") {
    __typename
    ... on EntryChanged {
      cursor
      confirmedBy
      entry { key current { value inConflict } }
    }
    ... on FeedBookmark { cursor }
    ... on FeedGap { cursor reason }
  }
}
`,
  },
];
