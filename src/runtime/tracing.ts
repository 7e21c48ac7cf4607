/**
 * What a span says of itself. Names and numbers of few values; never a key, never a value, never a
 * credential: spans go to other machines.
 */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Span {
  set(attributes: Attributes): void;
  /** It ended badly: the code of the failure. */
  fail(code: string): void;
}

/** A caller's trace, as he sent it (W3C Trace Context); what is malformed is as if it were not there. */
export interface RemoteTrace {
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
}

/**
 * Spans, handed in like time and chance: requests open them at the edge, and what they lead to says
 * here what it is a part of. Nothing below the composition root knows who collects them.
 *
 * When it is off it must cost nothing: `noTracing` calls `work`, and whoever would compute attributes
 * asks `isOn` first.
 */
export interface Tracing {
  readonly isOn: boolean;
  /** A request, which may be part of its caller's trace. */
  request<T>(
    what: { readonly name: string; readonly from?: RemoteTrace | undefined },
    work: (span: Span) => Promise<T>,
  ): Promise<T>;
  /**
   * A part of the span in which it is called; outside of any (probes, repair) there is none. A
   * rejection of `work` fails the span.
   */
  within<T>(name: string, attributes: Attributes, work: (span: Span) => Promise<T>): Promise<T>;
}

const noSpan: Span = { set: () => undefined, fail: () => undefined };

/** For gateways that trace nothing, tests, and the simulator. */
export const noTracing: Tracing = {
  isOn: false,
  request: (_what, work) => work(noSpan),
  within: (_name, _attributes, work) => work(noSpan),
};
