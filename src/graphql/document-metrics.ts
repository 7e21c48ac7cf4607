import {
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';

/** How much a document asks for, counted without running or validating it. */
export interface DocumentMetrics {
  readonly tokens: number;
  /** Fields and inline fragments inside each other; fragment spreads are followed. */
  readonly depth: number;
  /**
   * Objects that may be answered, plus a tenth for each leaf; what is in a list counts as often as
   * the list may be long, and as one object at the least: it is read, whatever of it is shown.
   */
  readonly cost: number;
  /**
   * Whether a variable decides how long a list may be: then the cost is known only with the
   * variables.
   */
  readonly costNeedsVariables: boolean;
}

type Variables = Readonly<Record<string, unknown>>;

/** How many entries a range gives when it is not told. */
const pageDefault = 100;
/** No list argument may be longer; what is beyond is refused for itself, by name. */
const listLengthMax = 1_000;

/**
 * Counts a document.
 *
 * Each fragment is counted once and remembered: a chain of fragments that spread the next one twice
 * stands for 2^25 fields in a
 * kilobyte, and must cost 25 steps to refuse. Nothing is assumed of a document but that it parsed:
 * cycles and unknown fragments count
 * nothing here, and validation names them. Without `variables` a list length that a variable
 * decides counts as one.
 */
export function measure(document: DocumentNode, variables?: Variables): DocumentMetrics {
  const counter = createCounter(document, variables);
  let depth = 0;
  let cost = 0;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      const weight = counter.weigh(definition.selectionSet);
      depth = Math.max(depth, weight.depth);
      cost += weight.cost;
    } else if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      // Validation walks fragments that nobody spreads, too.
      const weight = counter.weighFragment(definition.name.value);
      depth = Math.max(depth, weight.depth);
      cost = Math.max(cost, weight.cost);
    }
  }
  const tokens = document.tokenCount ?? 0;
  return { tokens, depth, cost, costNeedsVariables: counter.sawVariable() };
}

interface Weight {
  readonly depth: number;
  readonly cost: number;
}

const nothing: Weight = { depth: 0, cost: 0 };

function createCounter(document: DocumentNode, variables: Variables | undefined) {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION)
      fragments.set(definition.name.value, definition);
  }
  const weights = new Map<string, Weight>();
  const defaults = defaultsIn(document);
  let sawVariable = false;

  function weighFragment(name: string): Weight {
    const known = weights.get(name);
    if (known !== undefined) return known;
    weights.set(name, nothing); // what a cycle finds
    const definition = fragments.get(name);
    const weight = definition === undefined ? nothing : weigh(definition.selectionSet);
    weights.set(name, weight);
    return weight;
  }

  function weigh(selectionSet: SelectionSetNode): Weight {
    let depth = 0;
    let cost = 0;
    for (const selection of selectionSet.selections) {
      const weight =
        selection.kind === Kind.FIELD
          ? weighField(selection)
          : selection.kind === Kind.FRAGMENT_SPREAD
            ? weighFragment(selection.name.value)
            : deeper(weigh(selection.selectionSet));
      depth = Math.max(depth, weight.depth);
      cost += weight.cost;
    }
    return { depth, cost };
  }

  function weighField(field: FieldNode): Weight {
    if (field.selectionSet === undefined) return { depth: 1, cost: 0.1 };
    const inner = weigh(field.selectionSet);
    const length = listLength(field);
    const each = length === 1 ? inner.cost : Math.max(1, inner.cost);
    return { depth: inner.depth + 1, cost: 1 + length * each };
  }

  function listLength(field: FieldNode): number {
    let length = field.name.value === 'range' ? pageDefault : 1;
    for (const { name, value } of field.arguments ?? []) {
      if (name.value === 'first' || name.value === 'last')
        length = asCount(valueOf(value)) ?? length;
      if (name.value === 'keys' || name.value === 'items')
        length = asLength(valueOf(value)) ?? length;
    }
    return Math.min(listLengthMax, Math.max(1, length));
  }

  function valueOf(node: ValueNode): unknown {
    if (node.kind !== Kind.VARIABLE) return literalLength(node);
    sawVariable = true;
    return variables && valueGiven(node.name.value, { variables, defaults });
  }

  return { weigh, weighFragment, sawVariable: () => sawVariable };
}

function valueGiven(
  name: string,
  { variables, defaults }: { variables: Variables; defaults: Variables },
): unknown {
  const given = Object.hasOwn(variables, name) ? variables[name] : undefined;
  return given === undefined ? defaults[name] : given;
}

/** What is said of a length where the document says it. */
function literalLength(node: ValueNode): unknown {
  if (node.kind === Kind.INT) return Number(node.value);
  return node.kind === Kind.LIST ? node.values : undefined;
}

/** What variables are when nobody gives them; where operations differ, what makes lists longest. */
function defaultsIn({ definitions }: DocumentNode): Variables {
  const found = Object.create(null) as Record<string, unknown>;
  const lengthOf = (value: unknown): number => asCount(value) ?? asLength(value) ?? 0;
  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const { variable, defaultValue } of definition.variableDefinitions ?? []) {
      const name = variable.name.value;
      const value = defaultValue && literalLength(defaultValue);
      if (lengthOf(value) > lengthOf(found[name])) found[name] = value;
    }
  }
  return found;
}

function deeper(weight: Weight): Weight {
  return { depth: weight.depth + 1, cost: weight.cost };
}

function asCount(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function asLength(value: unknown): number | undefined {
  return Array.isArray(value) ? value.length : undefined;
}
