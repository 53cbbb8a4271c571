/** The API: what is asked over HTTP, and what becomes of the answers. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ServerConnection } from '@jupyterlab/services';
import { ApiError, CatalogApi } from '../src/api';
import { page } from './samples';

interface IAsked {
  method: string;
  url: string;
  body: string;
}

const servers: Server[] = [];

/** An API whose server gives this answer, and what was asked of it. */
async function served(status: number, body: string): Promise<{ api: CatalogApi; asked: IAsked[] }> {
  const asked: IAsked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '' } = request;
      // JupyterLab adds the time to every address, against caches.
      asked.push({
        method,
        url: url.replace(/[?&]\d+$/, ''),
        body: Buffer.concat(chunks).toString()
      });
      response.writeHead(status).end(body);
    });
  });
  servers.push(server);
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
  return { api: apiAt((server.address() as AddressInfo).port), asked };
}

function apiAt(port: number): CatalogApi {
  const baseUrl = `http://127.0.0.1:${port}/user/ada/`;
  return new CatalogApi(ServerConnection.makeSettings({ baseUrl }));
}

afterEach(() => servers.splice(0).forEach(server => server.close()));

test.each([
  [{ text: '', tags: [], team: null }, 'limit=50&offset=0'],
  [{ text: ' heat map ', tags: [], team: null }, 'limit=50&offset=0&q=heat+map'],
  [{ text: '', tags: ['a', 'b&c'], team: 'uc4' }, 'limit=50&offset=0&team=uc4&tag=a&tag=b%26c']
])('the question %j asks for %s', async (query, expected) => {
  const { api, asked } = await served(200, JSON.stringify(page()));
  await api.notebooks(query, 50, 0);
  expect(asked[0].url).toBe(`/user/ada/fairihub/api/notebooks?${expected}`);
});

test('an id cannot leave its place in the address', async () => {
  const { api, asked } = await served(200, '{}');
  await api.notebook('../../api/kernels?x=1');
  expect(asked[0].url).toContain('/notebooks/..%2F..%2Fapi%2Fkernels%3Fx%3D1');
});

test('a refusal carries the words, the code and the facts of the server', async () => {
  const body = { code: 'name-taken', message: 'It is there already.', suggestion: 'a-1.ipynb' };
  const { api } = await served(409, JSON.stringify(body));
  const error = await api.copy('uc4.a', null).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ message: body.message, code: body.code, status: 409, body });
});

test.each([
  ['<html>Bad gateway</html>', '502 Bad Gateway'],
  ['{"code": "x", "message": ""}', '502 Bad Gateway']
])('an answer without words (%s) is told by its status', async (body, message) => {
  const { api } = await served(502, body);
  await expect(api.me()).rejects.toMatchObject({ message });
});

test('no answer at all is “offline”', async () => {
  const nobody = 9;
  await expect(apiAt(nobody).me()).rejects.toMatchObject({ offline: true });
});

test.each([
  ['publish', { note: 'words' }],
  ['decline', { reason: 'words' }],
  ['withdraw', {}]
] as const)('%s says %j', async (decision, expected) => {
  const { api, asked } = await served(200, '{}');
  await api.decide('c1', decision, 'words');
  expect(asked[0].url).toMatch(new RegExp(`/api/contributions/c1/${decision}$`));
  expect(JSON.parse(asked[0].body)).toEqual(expected);
});
