// Operators of the kernel language, by token: those that become `$.bin`, and what each compound assignment stands for.

import { ts } from './project.ts';

const SK = ts.SyntaxKind;

/** Operators that become `$.bin(L, op, a, b)`. `>>>` is missing on purpose: it has no meaning for signed integers in Triton. */
export const BINARY_OPS: ReadonlySet<ts.SyntaxKind> = new Set([
  SK.PlusToken,
  SK.MinusToken,
  SK.AsteriskToken,
  SK.SlashToken,
  SK.PercentToken,
  SK.AsteriskAsteriskToken,
  SK.AmpersandToken,
  SK.BarToken,
  SK.CaretToken,
  SK.LessThanLessThanToken,
  SK.GreaterThanGreaterThanToken,
  SK.LessThanToken,
  SK.LessThanEqualsToken,
  SK.GreaterThanToken,
  SK.GreaterThanEqualsToken,
  SK.EqualsEqualsEqualsToken,
  SK.ExclamationEqualsEqualsToken,
  SK.EqualsEqualsToken,
  SK.ExclamationEqualsToken,
]);

/** Compound assignments to their operator. */
export const COMPOUND_OPS: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [SK.PlusEqualsToken, '+'],
  [SK.MinusEqualsToken, '-'],
  [SK.AsteriskEqualsToken, '*'],
  [SK.SlashEqualsToken, '/'],
  [SK.PercentEqualsToken, '%'],
  [SK.AsteriskAsteriskEqualsToken, '**'],
  [SK.AmpersandEqualsToken, '&'],
  [SK.BarEqualsToken, '|'],
  [SK.CaretEqualsToken, '^'],
  [SK.LessThanLessThanEqualsToken, '<<'],
  [SK.GreaterThanGreaterThanEqualsToken, '>>'],
  [SK.AmpersandAmpersandEqualsToken, '&&'],
  [SK.BarBarEqualsToken, '||'],
  [SK.QuestionQuestionEqualsToken, '??'],
]);
