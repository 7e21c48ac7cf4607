import { noTracing, type Tracing } from '../runtime/tracing.ts';

/** One call of a replica as a span, if it is part of anything. */
export function tracedCall<T>(
  tracing: Tracing = noTracing,
  what: { readonly replica: { id: string; zone: string | undefined }; readonly call: string },
  act: () => Promise<T>,
): Promise<T> {
  if (!tracing.isOn) return act();
  const { replica, call } = what;
  const attributes = { 'quorate.replica': replica.id, 'quorate.zone': replica.zone };
  return tracing.within(`replica ${call}`, attributes, async (span) => {
    const answer = await act();
    span.set({ 'quorate.outcome': 'OK' });
    return answer;
  });
}
