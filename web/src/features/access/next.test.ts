import { expect, it } from 'vitest';
import { isOutsideApp, safeNext } from './next';

it.each([
  ['/studies/1.2.3?x=1', '/studies/1.2.3?x=1'],
  ['/viewer/viewer?StudyInstanceUIDs=1.2', '/viewer/viewer?StudyInstanceUIDs=1.2'],
  ['//evil.example', '/'],
  ['/\\evil.example', '/'],
  ['https://evil.example', '/'],
  ['javascript:alert(1)', '/'],
  ['/sign-in?next=/', '/'],
  ['', '/'],
  [null, '/'],
])('after signing in, next=%j leads to %j', (next, to) => {
  expect(safeNext(next)).toBe(to);
});

it('the viewer is a page outside the app', () => {
  expect(isOutsideApp('/viewer/viewer?StudyInstanceUIDs=1')).toBe(true);
  expect(isOutsideApp('/viewers')).toBe(false);
});
