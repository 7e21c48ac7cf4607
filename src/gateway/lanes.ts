import { createFastLane } from './fast-lane.ts';
import { createGraphqlHandler, type GraphqlHandler } from './graphql-http.ts';

/** The fast lane first, where there is one; what it does not take, or cannot tell, goes the other way. */
export function inLanes(
  fastLane: boolean,
  deps: Parameters<typeof createGraphqlHandler>[0],
): GraphqlHandler {
  const slow = createGraphqlHandler(deps);
  if (!fastLane) return slow;
  const fast = createFastLane(deps);
  return async (request, response, arrival) => {
    const verdict = await fast(request, response, arrival);
    if (verdict === 'answered') return;
    const outcome = verdict === 'not taken' ? undefined : verdict;
    await slow(request, response, { ...arrival, outcome });
  };
}
