import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, it } from 'vitest';

const SOURCE = join(import.meta.dirname, '..');

/** Imports point down this list; what is side by side never imports each other. */
const FLOORS = ['app', 'features', 'viewer', 'api', 'ui'];

function imports(): [file: string, target: string][] {
  return readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path) && path.includes('/') && !path.includes('.test.'))
    .flatMap((path) => {
      const text = readFileSync(join(SOURCE, path), 'utf8');
      return [...text.matchAll(/from '(\.[^']+)'/g)].map((found): [string, string] => [
        path,
        posix.normalize(posix.join(posix.dirname(path), found[1] ?? '')),
      ]);
    });
}

it('imports point down: app, features, viewer, api, ui', () => {
  const floor = (path: string) => FLOORS.indexOf(path.split('/')[0] ?? '');
  const upward = imports().filter(([file, target]) => floor(target) < floor(file));
  expect(upward, 'Move what is shared to api/ or ui/.').toEqual([]);
});

it('no feature imports another', () => {
  const feature = (path: string) => (path.startsWith('features/') ? path.split('/')[1] : null);
  const sideways = imports().filter(
    ([file, target]) => feature(file) && feature(target) && feature(file) !== feature(target),
  );
  expect(sideways, 'Features share through api/ and ui/ only.').toEqual([]);
});
