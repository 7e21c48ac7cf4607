/** What GraphiQL opens with: a write and its read, a conflict and its end, and the live feed. */
export const defaultTabs: readonly { readonly query: string; readonly variables?: string }[] = [
  {
    query: `# Writes a value, reads it back, and shows what each replica did for it.
mutation PutThenGet($value: JSON!) {
  put(keyspace: "demo", key: "greeting", value: $value) {
    entry { current { revision inConflict context } }
    receipt { level required answered replicas { replica status elapsedMs } }
  }
  get(keyspace: "demo", key: "greeting", consistency: QUORUM) {
    entry { id current { value siblings { value dot } } }
    receipt { level required answered overlapping elapsedMs }
  }
}
`,
    variables: '{ "value": { "hello": "world" } }\n',
  },
  {
    query: `# Two writers who have not seen each other: both values are kept. Then copy the last \`context\` into
# put(keyspace: "demo", key: "cart", value: [...], context: "...") and what it has seen is replaced.
mutation Conflict {
  first: put(keyspace: "demo", key: "cart", value: ["apples"]) { writeId }
  second: put(keyspace: "demo", key: "cart", value: ["pears"]) { writeId }
  get(keyspace: "demo", key: "cart") {
    entry { current { inConflict value siblings { value writtenAt dot } context } }
  }
}
`,
  },
  {
    query: `# Every change of the keyspace, over WebSocket. Leave it running and write in another tab.
subscription Changes {
  changes(keyspace: "demo") {
    __typename
    ... on EntryChanged { cursor confirmedBy entry { key current { revision value inConflict } } }
    ... on FeedBookmark { cursor }
    ... on FeedGap { cursor reason }
  }
}
`,
  },
];
