/** This server against the vectors, and the vectors against the rules. */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { SERVER_DIR, withFolder, withServer } from './harness';
import type { Received } from './peer';
import { readSamples, readVectors, VectorRun } from './vectors';

const vectors = readVectors('full');
const pluginVectors = readVectors('plugin');
const samples = readSamples();
/** Rules that say what a client makes of an answer: no server can show them. */
const CLIENT_RULES = ['E-2'];
/** All that the server said while the vectors ran. */
const seen: Received[] = [];

for (const vector of vectors) {
  test(`${vector.id}: ${vector.title}`, () =>
    withFolder((dir) =>
      new VectorRun('full', vector, join(dir, 'data'), (received) =>
        seen.push(received),
      ).play(),
    ));
}

for (const vector of pluginVectors) {
  test(`plugin: ${vector.id}: ${vector.title}`, () =>
    withFolder((dir) =>
      new VectorRun('plugin', vector, dir, () => undefined).play(),
    ));
}

/** What two payloads of one meaning have in common: members and types. */
function shape(value: unknown, key = ''): string {
  if (key === 'code') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return typeof value;
  if (Array.isArray(value)) {
    const shapes = new Set(value.map((entry) => shape(entry)));
    return `[${[...shapes].sort().join('|')}]`;
  }
  const members = Object.entries(value)
    .map(([name, member]) => `${name}:${shape(member, name)}`)
    .sort();
  return `{${members.join(',')}}`;
}

test('server samples have the shape of what the server sends', () => {
  const shapes = new Set(
    seen.map((received) =>
      received.kind === 'event' || received.kind === 'answer'
        ? `${received.kind} ${received.event} ${shape(received.payload)}`
        : '',
    ),
  );
  const unseen = samples
    .filter(({ from }) => from === 'server')
    .filter(
      ({ kind, event, payload }) =>
        !shapes.has(`${kind} ${event} ${shape(payload)}`),
    );
  assert.deepEqual(
    unseen.map(({ id }) => id),
    [],
  );
});

test('client samples are accepted', () =>
  withServer({}, async (connect) => {
    const alice = await connect('alice');
    let messageId: string | undefined;
    for (const { id, from, event, payload } of samples) {
      if (from !== 'client') continue;
      const named = typeof payload === 'object' && 'messageId' in payload;
      const answer = (await alice.request(
        event,
        named ? { ...payload, messageId } : payload,
      )) as { success: boolean; data?: { messageId?: string } };
      assert.equal(answer.success, true, id);
      messageId = answer.data?.messageId ?? messageId;
      if (event === 'room:leave') await alice.request('room:join', payload);
    }
  }));

/** The rules of both dialects; no two have a name in common. */
function readRules(): Set<string> {
  const names = ['PROTOCOL.md', 'PLUGIN.md'].flatMap((file) => {
    const text = readFileSync(join(SERVER_DIR, file), 'utf8');
    const found = text.matchAll(/^- \*\*([A-Z]+-\d+)\*\*/gm);
    return [...found].map((match) => String(match[1]));
  });
  const rules = new Set(names);
  assert.equal(rules.size, names.length);
  return rules;
}

test('ids are unique, rules exist, and every rule is tested', () => {
  const rules = readRules();
  const all = [...vectors, ...pluginVectors, ...samples];
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length);

  const tested = new Set([
    ...CLIENT_RULES,
    ...all.flatMap((each) => each.rules),
  ]);
  for (const rule of tested) assert(rules.has(rule), `no rule ${rule}`);

  // The other tests name the rule that they are about in their title.
  for (const file of readdirSync(__dirname)) {
    if (!file.endsWith('.test.js')) continue;
    const source = readFileSync(join(__dirname, file), 'utf8');
    for (const match of source.matchAll(/\)\('([A-Z]+-\d+): /g)) {
      tested.add(String(match[1]));
    }
  }
  assert.deepEqual(
    [...rules].filter((rule) => !tested.has(rule)),
    [],
  );
});
