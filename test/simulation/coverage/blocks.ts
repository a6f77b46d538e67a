/**
 * The places of a program where its way forks: bodies of functions and loops, arms, cases, right sides of `&&`, `||` and `??`, what
 * catches, and what follows a statement that may have left.
 */
import { SourceMap, type SourceMapPayload } from 'node:module';
import path from 'node:path';
import ts from 'typescript';

/** A program as it runs, and what it was made from. */
export interface Bundle {
  readonly url: string;
  readonly text: string;
  readonly map: SourceMapPayload;
  /** Sources in the map are relative to it. */
  readonly directory: string;
}

export interface Block {
  /** Where it begins in the bundle's text. */
  readonly at: number;
  /** Relative to the root. */
  readonly file: string;
  readonly line: number;
  /** The place in the list of the block that it is in; undefined outside of all. */
  readonly within: number | undefined;
}

/** All blocks of the sources that `isMeant` wants, those that are in another one after it. */
export function blocksOf(bundle: Bundle, root: string, isMeant: (file: string) => boolean): Block[] {
  const tree = ts.createSourceFile('bundle.js', bundle.text, ts.ScriptTarget.ESNext, false, ts.ScriptKind.JS);
  const map = new SourceMap(bundle.map);
  const blocks: Block[] = [];

  function sourceOf(at: number): { file: string; line: number } | undefined {
    const { line, character } = tree.getLineAndCharacterOfPosition(at);
    const entry = map.findEntry(line, character);
    if (!('originalSource' in entry)) return undefined;
    const file = path.relative(root, path.resolve(bundle.directory, entry.originalSource));
    return { file, line: entry.originalLine + 1 };
  }

  /** @returns the block to be in from here on */
  function add(node: ts.Node, within: number | undefined): number | undefined {
    if (isConstant(node) || isAssertion(firstOf(node))) return within;
    const at = firstOf(node).getStart(tree);
    const source = sourceOf(at);
    if (source === undefined || !isMeant(source.file)) return within;
    blocks.push({ at, ...source, within });
    return blocks.length - 1;
  }

  function visit(node: ts.Node, within: number | undefined): void {
    const statements = statementsOf(node);
    if (statements !== undefined) return visitList(statements, within);
    const forks = forksOf(node);
    ts.forEachChild(node, (child) => visit(child, forks.includes(child) ? add(child, within) : within));
  }

  function visitList(statements: readonly ts.Statement[], outer: number | undefined): void {
    let within = outer;
    let mayHaveLeft = false;
    for (const statement of statements) {
      if (mayHaveLeft) within = add(statement, within);
      visit(statement, within);
      mayHaveLeft = MAY_LEAVE.has(statement.kind);
    }
  }

  visit(tree, undefined);
  return blocks;
}

const MAY_LEAVE: ReadonlySet<ts.SyntaxKind> = new Set([
  ...[ts.SyntaxKind.IfStatement, ts.SyntaxKind.SwitchStatement, ts.SyntaxKind.TryStatement],
  ...[ts.SyntaxKind.ForStatement, ts.SyntaxKind.ForOfStatement, ts.SyntaxKind.ForInStatement],
  ...[ts.SyntaxKind.WhileStatement, ts.SyntaxKind.DoStatement],
]);

const LOGICAL: ReadonlySet<ts.SyntaxKind> = new Set([
  ...[ts.SyntaxKind.AmpersandAmpersandToken, ts.SyntaxKind.BarBarToken, ts.SyntaxKind.QuestionQuestionToken],
  ...[ts.SyntaxKind.AmpersandAmpersandEqualsToken, ts.SyntaxKind.BarBarEqualsToken],
  ts.SyntaxKind.QuestionQuestionEqualsToken,
]);

/** Those children of which the program chooses whether it goes there. */
function forksOf(node: ts.Node): readonly (ts.Node | undefined)[] {
  if (ts.isFunctionLike(node)) return 'body' in node ? [node.body] : [];
  if (ts.isIfStatement(node)) return [node.thenStatement, node.elseStatement];
  if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse];
  if (ts.isBinaryExpression(node) && LOGICAL.has(node.operatorToken.kind)) return [node.right];
  if (ts.isIterationStatement(node, false)) return [node.statement];
  if (ts.isCaseOrDefaultClause(node)) return node.statements.slice(0, 1);
  if (ts.isCatchClause(node)) return [node.block];
  return [];
}

function statementsOf(node: ts.Node): readonly ts.Statement[] | undefined {
  return ts.isBlock(node) || ts.isSourceFile(node) ? node.statements : undefined;
}

/** What types ask for: `?? 0`, `() => undefined`. It handles nothing. */
function isConstant(node: ts.Node): boolean {
  if (ts.isArrayLiteralExpression(node)) return node.elements.length === 0;
  return (
    ts.isLiteralExpression(node) || ts.isVoidExpression(node) || (ts.isIdentifier(node) && node.text === 'Infinity')
  );
}

/** A plain error is a defect of the code, which no fault may bring about; a seed that reaches one has failed. */
function isAssertion(node: ts.Node): boolean {
  if (!ts.isThrowStatement(node) || !ts.isNewExpression(node.expression)) return false;
  const { expression } = node.expression;
  return ts.isIdentifier(expression) && expression.text === 'Error';
}

/** A block's first statement says more than its brace. */
function firstOf(node: ts.Node): ts.Node {
  return (ts.isBlock(node) ? node.statements[0] : undefined) ?? node;
}
