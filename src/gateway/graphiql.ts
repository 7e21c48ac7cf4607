import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { defaultTabs } from './graphiql-tabs.ts';

/** The page in which people try queries, without anything from another host. */
export interface Graphiql {
  /** Answers a browser's GET of the endpoint; false for every other request. */
  servePage(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
  /** Answers a request for one of the page's files; false for every other path. */
  serveAsset(path: string, request: IncomingMessage, response: ServerResponse): Promise<boolean>;
}

interface Asset {
  readonly body: Buffer;
  readonly type: string;
}

interface Page {
  readonly html: string;
  readonly assets: ReadonlyMap<string, Asset>;
}

const assetPrefix = '/graphiql/';
const javascript = 'text/javascript; charset=utf-8';

/**
 * GraphiQL as Yoga packs it, taken apart: one page as delivered would be 9 MB of HTML on every
 * load. Its parts become files named by
 * their content, which a browser keeps for ever. They are unpacked when the first browser comes,
 * not when the gateway starts.
 */
export function createGraphiql(mode: 'dev' | 'serve'): Graphiql {
  let page: Promise<Page> | undefined;
  const unpacked = (): Promise<Page> => (page ??= unpack(mode));
  return {
    async servePage(request, response) {
      if (request.method !== 'GET' || !(request.headers.accept ?? '').includes('text/html'))
        return false;
      const { html } = await unpacked();
      response
        .writeHead(200, { ...pageHeaders, 'content-type': 'text/html; charset=utf-8' })
        .end(html);
      return true;
    },
    async serveAsset(path, request, response) {
      if (request.method !== 'GET' || !path.startsWith(assetPrefix)) return false;
      const asset = (await unpacked()).assets.get(path);
      if (asset === undefined) return false;
      const kept = {
        'content-type': asset.type,
        'cache-control': 'public, max-age=31536000, immutable',
      };
      response.writeHead(200, { ...kept, 'content-length': asset.body.length }).end(asset.body);
      return true;
    },
  };
}

const pageHeaders = {
  'cache-control': 'no-cache',
  'cross-origin-opener-policy': 'same-origin',
  // The editor sets styles and makes its own images; everything else comes from here and goes here.
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "connect-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
};

async function unpack(mode: 'dev' | 'serve'): Promise<Page> {
  const parts = await import('@graphql-yoga/render-graphiql/graphiql');
  const assets = new Map<string, Asset>();
  const add = (
    name: string,
    extension: string,
    { text, type }: { text: string; type: string },
  ): string => {
    const body = Buffer.from(text);
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 16);
    const path = `${assetPrefix}${name}-${hash}.${extension}`;
    assets.set(path, { body, type });
    return path;
  };
  const script = (name: string, text: string): string =>
    add(name, 'js', { text, type: javascript });
  const style = add('style', 'css', {
    text: parts.css + ownStyle,
    type: 'text/css; charset=utf-8',
  });
  const icon = add('icon', 'svg', { text: logo, type: 'image/svg+xml' });
  const library = script('graphiql', parts.js);
  const workers = {
    editorWorkerService: script('editor-worker', parts.editorWorkerService),
    json: script('json-worker', parts.jsonWorker),
    graphql: script('graphql-worker', parts.graphqlWorker),
  };
  const start = script('start', startScript(workers, mode));
  return { html: pageHtml({ style, icon, scripts: [library, start] }), assets };
}

/**
 * What the page runs once it has loaded. A subscription goes over WebSocket, with the credential of
 * the headers tab.
 */
function startScript(workers: Readonly<Record<string, string>>, mode: 'dev' | 'serve'): string {
  const options = {
    endpoint: '/graphql',
    subscriptionsEndpoint: '/graphql',
    subscriptionsProtocol: 'WS',
    title: 'Quorate',
    logo,
    defaultTabs,
    ...(mode === 'serve' && { headers: '{ "authorization": "Bearer <api key>" }\n' }),
  };
  return `'use strict';
const workers = ${JSON.stringify(workers)};
self.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (_module, label) => workers[label] ?? workers.editorWorkerService };
let authorization;
const plainFetch = globalThis.fetch;
globalThis.fetch = (input, init) => {
  authorization = new Headers(init?.headers).get('authorization') ?? undefined;
  return plainFetch(input, init);
};
YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), {
  ...${JSON.stringify(options)},
  connectionParams: () => (authorization === undefined ? {} : { authorization }),
});
`;
}

interface Places {
  readonly style: string;
  readonly icon: string;
  readonly scripts: readonly string[];
}

function pageHtml({ style, icon, scripts }: Places): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Quorate</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="${style}">
</head>
<body class="no-focus-outline">
<noscript>GraphiQL needs JavaScript. Without it, send queries by POST to this address.</noscript>
<div id="root"></div>
${scripts.map((path) => `<script src="${path}" defer></script>`).join('\n')}
</body>
</html>
`;
}

/**
 * The page fills the window. Tabs stay where they are: the animation that lets one drag them is
 * left half-way when the page opens, and
 * a tab that is pressed would jump from under the pointer, and not open.
 */
const ownStyle = `
html, body, #root { height: 100%; margin: 0; }
body { overflow: hidden; }
.graphiql-container .graphiql-tab { transform: none !important; }
`;

/** Three replicas, two of them filled: a quorum. */
const logo =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32">' +
  '<circle cx="16" cy="9" r="6" fill="#3758f9"/><circle cx="8" cy="22" r="6" fill="#3758f9"/>' +
  '<circle cx="24" cy="22" r="5" fill="none" stroke="#3758f9" stroke-width="2"/></svg>';
