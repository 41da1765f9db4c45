// Messages of the front end (TL2xxx): what the kernel language leaves out, and what to write instead. Rows take words, not
// syntax nodes; which row applies to which syntax stands in `subset.ts`, `statements.ts` and `expressions.ts`.

import { message } from '../diagnostics.ts';

const FOR_FORM = 'for (let i = start; i < stop; i += step) { … }';

export const MSG = {
  syntaxError: message('TL2000', (text: string) => ({
    text: `syntax error: ${text}`,
    help: 'fix the syntax; nothing was compiled',
  })),

  notInLanguage: message('TL2001', (what: string, help: string) => ({ text: `${what} is not in the kernel language`, help })),

  returnInLoop: message('TL2002', () => ({
    text: '`return` inside a loop is not in the kernel language',
    notes: ['a program of a GPU kernel runs its loops to the end; only `if` may end it early'],
    help: 'keep the result in a `let` variable and return it after the loop, or guard the rest of the body with `if`',
  })),

  forHeader: message('TL2003', (found: string) => ({
    text: `this \`for\` header is not in the kernel language: ${found}`,
    notes: [`accepted: ${FOR_FORM}  with < <= > >= and i++ i-- i += e i -= e`],
    help: `write it as \`${FOR_FORM}\`, or use \`while\``,
  })),

  forOfHeader: message('TL2022', (found: string) => ({
    text: `this \`for … of\` header is not in the kernel language: ${found}`,
    help: 'write it as `for (const x of items) { … }`; take things apart in the body',
  })),

  loopVariableAssigned: message('TL2004', (name: string) => ({
    text: `the loop variable \`${name}\` is assigned in the body of its \`for\``,
    notes: ['a `for` is a range that is fixed when the loop starts, as in Triton'],
    help: `give the changed value a name of its own, e.g. \`const ${name}1 = …\`, or use \`while\``,
  })),

  loopBoundChanges: message('TL2005', (name: string, part: string) => ({
    text: `the ${part} of this \`for\` depends on \`${name}\`, which the body changes`,
    notes: [`the ${part} is evaluated once, before the first round, as in Triton's range`],
    help: `copy it first (\`const ${part} = …\`) if one evaluation is meant, else use \`while\``,
  })),

  capturedChanges: message('TL2006', (name: string, line: number) => ({
    text: `a kernel cannot close over \`${name}\`, which changes`,
    notes: [`it is assigned at line ${line}; a kernel is compiled once and would keep an old value`],
    help: `make \`${name}\` a \`const\`, or pass it as a parameter (\`tl.constexpr\` for a compile-time value)`,
  })),

  outerAssigned: message('TL2007', (name: string) => ({
    text: `a kernel cannot assign to \`${name}\`, which is declared outside it`,
    help: 'return the value from a `tl.fn`, or store it through a pointer',
  })),

  assignmentAsValue: message('TL2008', () => ({
    text: 'an assignment is a statement of its own in a kernel',
    help: 'assign on a line of its own, then use the variable',
  })),

  conditionalEffect: message('TL2009', (name: string, where: string) => ({
    text: `\`${name}\` is assigned inside an operand of \`${where}\`, which may not run`,
    help: 'use `if` for the assignment',
  })),

  incrementAsValue: message('TL2010', (text: string) => ({
    text: `\`${text}\` gives no value in a kernel`,
    help: `write \`${text};\` as a statement of its own`,
  })),

  constAssigned: message('TL2011', (name: string) => ({
    text: `\`${name}\` is a const and cannot be assigned`,
    help: `declare it with \`let ${name}\``,
  })),

  kernelParameter: message('TL2012', (found: string) => ({
    text: `a kernel takes one destructured object, found ${found}`,
    help: 'write `kernel(function name({ x, n, BLOCK }: { x: tl.ptr<tl.f32>; n: tl.i32; BLOCK: tl.constexpr }) { … })`',
  })),

  parameterPattern: message('TL2013', (found: string) => ({
    text: `a parameter of a kernel is a plain name, found ${found}`,
    help: 'name every parameter: `{ x, y, n = 4 }`, each with its type',
  })),

  kernelReturnsValue: message('TL2014', () => ({
    text: 'a kernel returns nothing',
    help: 'store results through a pointer (`tl.store`), or make this a `tl.fn`',
  })),

  hiddenAssignment: message('TL2015', (name: string) => ({
    text: `this function assigns \`${name}\` of the enclosing kernel, and where it will run cannot be seen`,
    help: `declare the function as \`const f = …\` and call \`f()\` by that name, or let it return the new value of \`${name}\``,
  })),

  shadowedEffect: message('TL2016', (name: string) => ({
    text: `a function called here assigns \`${name}\`, but that name means another variable at this place`,
    help: `rename one of the two \`${name}\``,
  })),

  propertyAssigned: message('TL2017', (target: string, statement: string) => ({
    text: `\`${target}\` is assigned inside \`${statement}\`, but only variables are carried out of it`,
    notes: ['arrays and objects exist at trace time only; a branch or loop on the device cannot change them'],
    help: 'keep the value in a `let` variable, or unroll with `for (const i of tl.static_range(n))`',
  })),

  nestedDefinition: message('TL2019', (what: string) => ({
    text: `\`${what}\` inside a kernel`,
    help: 'define it at module level and call it here, or write a plain inner function `const f = (x) => …`',
  })),

  functionKind: message('TL2020', (what: string) => ({
    text: `this function is ${what}, which is not in the kernel language`,
    help: 'write a plain `function`; a kernel runs on the device from start to end',
  })),

  compoundTarget: message('TL2021', (target: string) => ({
    text: `\`${target}\` is evaluated twice by a compound assignment`,
    help: 'put the object or index in a `const` first',
  })),
};
