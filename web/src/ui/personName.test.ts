import { expect, it } from 'vitest';
import { shownName } from './personName';

it.each([
  ['Doe^Jane', 'Doe, Jane', ''],
  ['Doe^Jane^Mary Ann', 'Doe, Jane Mary Ann', ''],
  ['Doe^Jane^^Dr.^MD', 'Doe, Dr. Jane, MD', ''],
  ['Doe', 'Doe', ''],
  ['Doe^', 'Doe', ''],
  ['^Jane', 'Jane', ''],
  ['Yamada^Tarou=山田^太郎=やまだ^たろう', 'Yamada, Tarou', '山田 太郎'],
  ['=山田^太郎=やまだ^たろう', '山田 太郎', ''],
  ['==やまだ^たろう', 'やまだ たろう', ''],
  ['الفارسي^فاطمة', 'الفارسي, فاطمة', ''],
  ['', '', ''],
  [null, '', ''],
  ['^^^^', '', ''],
])('a person name %j is shown as %j with %j beside it', (name, main, aside) => {
  expect(shownName(name)).toEqual({ main, aside });
});
