import type { ExecutionResult } from 'graphql';
import type { ObjectPlan, ValuePlan } from './compiled-document.ts';
import { RawJson, stringifyResult } from './raw-json.ts';

type Data = Record<string, unknown>;

/**
 * What a compiled operation answers when nothing of it failed. It knows by its plan what is in it, and
 * prints that itself: the same text as `stringifyResult`, for less than half of what that costs.
 */
export class PlainResult implements ExecutionResult {
  readonly data: Data;
  readonly #root: ObjectPlan;

  constructor(root: ObjectPlan, data: Data) {
    this.#root = root;
    this.data = data;
  }

  /** The JSON text of `data`. */
  dataText(): string {
    return objectText(this.#root, this.data);
  }
}

function objectText({ fields }: ObjectPlan, data: Data): string {
  let text = '';
  for (const { key, label, value } of fields)
    text += `${text === '' ? '' : ','}${label}${valueText(value, data[key])}`;
  return `{${text}}`;
}

function valueText(plan: ValuePlan, value: unknown): string {
  if (value === null || value === undefined) return 'null';
  switch (plan.kind) {
    case 'nonNull':
      return valueText(plan.of, value);
    case 'object':
      return objectText(plan.plan, value as Data);
    case 'list':
      return `[${(value as readonly unknown[]).map((item) => valueText(plan.of, item)).join(',')}]`;
    case 'typeName':
    case 'leaf':
      return leafText(value);
  }
}

function leafText(value: unknown): string {
  if (value instanceof RawJson) return value.text;
  return typeof value === 'object' ? stringifyResult(value) : JSON.stringify(value);
}
