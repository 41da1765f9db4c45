// `tessera debug`: commands of a person (or of a script) to a DebugSession, and its answers as text. In: a session and lines of
// commands. Out: lines of text to a sink. The session knows nothing of this; this file refuses to know the interpreter.

import { createInterface } from 'node:readline';
import { printLoc } from '../dsl/diagnostics.ts';
import type { InterpProgram, RunOptions } from '../lower/interp/program.ts';
import { DebugSession, type Stop } from '../runtime/debug.ts';
import { formatSummary, formatValues, parseSlice } from '../runtime/inspect.ts';

export interface DebuggerOptions {
  readonly program: InterpProgram;
  /** Grid, buffers and scalars of the launch to debug. */
  readonly launch: RunOptions;
  /** A script; commands come from `input` if absent. */
  readonly commands?: readonly string[];
  /** Where a person types; `process.stdin` if absent. */
  readonly input?: NodeJS.ReadableStream;
  /** Takes lines of text; `console.log` if absent. */
  readonly print?: (line: string) => void;
}

type Print = (line: string) => void;
interface Command {
  readonly names: readonly string[];
  readonly usage: string;
  readonly help: string;
  /** Returns 'quit' to end. */
  readonly run: (s: DebugSession, args: string, print: Print) => 'quit' | undefined;
}

/** Runs a debugger over a launch until `quit` or the end of the commands. Resolves to the exit code: 1 if the kernel failed. */
export async function runDebugger(options: DebuggerOptions): Promise<number> {
  const print = options.print ?? ((line) => console.log(line));
  const session = new DebugSession(options.program, { print, ...options.launch });
  const code = () => (session.state === 'failed' ? 1 : 0);
  if (options.commands) {
    for (const line of options.commands) {
      if (line.trim() === '' || line.trim().startsWith('#')) continue;
      print(`> ${line.trim()}`);
      if (execute(session, line, print) === 'quit') break;
    }
    return code();
  }
  const reader = createInterface({ input: options.input ?? process.stdin });
  const prompt = () => void (process.stdin.isTTY && !options.input && process.stdout.write('> '));
  print(`${options.program.func.name}: type help for the commands, run to start`);
  prompt();
  let previous = '';
  for await (const line of reader) {
    // An empty line repeats the last command, as in other debuggers.
    previous = line.trim() || previous;
    if (previous && execute(session, previous, print) === 'quit') break;
    prompt();
  }
  reader.close();
  return code();
}

/** Runs one command line. Unknown commands and bad arguments print what is wrong; nothing throws. */
export function execute(session: DebugSession, line: string, print: Print): 'quit' | undefined {
  const m = /^(\S+)\s*(.*)$/.exec(line.trim());
  if (!m) return undefined;
  const command = COMMANDS.find((c) => c.names.includes(m[1]));
  if (!command) {
    print(`unknown command '${m[1]}'; type help for the list`);
    return undefined;
  }
  return command.run(session, m[2].trim(), print);
}

/** A command that moves the session and reports where it has come to. */
const motion = (names: string[], usage: string, help: string, move: (s: DebugSession) => Stop): Command => ({
  names,
  usage,
  help,
  run: (s, _args, print) => {
    if (s.state === 'new') print('the launch has not started; type run');
    else if (s.state === 'failed') print('the kernel has failed; type run to start again');
    else if (s.state === 'ended') print('the launch has ended; type run to start again');
    else report(s, move(s), print);
    return undefined;
  },
});

function report(s: DebugSession, stop: Stop, print: Print): void {
  switch (stop.reason) {
    case 'end':
      print('the launch has ended');
      return;
    case 'error':
      print(stop.error!.message);
      break;
    case 'breakpoint':
      print(`breakpoint ${stop.breakpoint!.id}`);
      break;
    case 'watch': {
      const w = stop.watch!;
      print(`${w.param}[${w.index}] changed from ${w.before} to ${w.after} at ${printLoc(w.loc)}`);
      break;
    }
    case 'birth': {
      const b = stop.birth!;
      const where = b.lane.length ? ` at [${b.lane.join(', ')}]${b.count > 1 ? ` and ${b.count - 1} more` : ''}` : '';
      print(`${b.op}${b.name ? ` (${b.name})` : ''} made ${b.what === 'nan' ? 'NaN' : 'infinity'}${where}, ${printLoc(b.loc)}`);
      break;
    }
    case 'program':
      print('next program');
      break;
  }
  where(s, print);
}

function where(s: DebugSession, print: Print): void {
  const { loc, step } = s;
  const pid = `pid (${s.pid.join(', ')})`;
  if (!loc || !step) {
    print(`${pid} at the end of the program`);
    return;
  }
  print(`${pid} ${printLoc(loc)}${loc.fn ? ` in ${loc.fn}` : ''}  [${step.op.name}]`);
  listLines(s, print, 0);
}

function listLines(s: DebugSession, print: Print, around: number, centre?: number): void {
  const lines = s.source(around, centre);
  const width = Math.max(0, ...lines.map((l) => String(l.line).length));
  for (const l of lines) print(`${l.current ? '->' : '  '} ${String(l.line).padStart(width)} | ${l.text}`);
}

function addBreakpoint(s: DebugSession, args: string, print: Print): undefined {
  const m = /^(?:(.+):)?(\d+)?\s*(?:if\s+pid\s*=+\s*(.+))?$/.exec(args);
  const pid = m?.[3]
    ?.replace(/[()\s]/g, '')
    .split(',')
    .map(Number);
  if (!m || (m[2] === undefined && !pid) || pid?.some((x) => !Number.isInteger(x)) || (pid && pid.length > 3)) {
    print('usage: break LINE [if pid=x[,y[,z]]], break FILE:LINE, or break if pid=x');
    return undefined;
  }
  const line = m[2] === undefined ? undefined : Number(m[2]);
  const b = s.addBreakpoint({ line, file: m[1], pid });
  print(b ? describe(b) : `there is no code at or after line ${line}${m[1] ? ` of ${m[1]}` : ''}`);
  return undefined;
}

const describe = (b: {
  id: number;
  file?: string;
  line?: number;
  resolved?: number;
  pid?: readonly number[];
  hits: number;
}): string =>
  [
    `breakpoint ${b.id}`,
    b.resolved === undefined ? 'at the start of a program' : `at ${b.file ? `${b.file}:` : 'line '}${b.resolved}`,
    ...(b.resolved !== b.line ? [`(line ${b.line} has no code)`] : []),
    ...(b.pid ? [`if pid=${b.pid.join(',')}`] : []),
    ...(b.hits ? [`hit ${b.hits} time${b.hits === 1 ? '' : 's'}`] : []),
  ].join(' ');

function printVariable(s: DebugSession, args: string, print: Print): undefined {
  const m = /^([A-Za-z_$][\w$]*)\s*(\[.*\])?$/.exec(args);
  if (!m) {
    print('usage: print NAME or print NAME[slice], e.g. print x[0:4, 3]');
    return undefined;
  }
  const v = s.inspect(m[1]);
  if (!v && Object.hasOwn(s.constants, m[1])) {
    print(`${m[1]}: constexpr = ${s.constants[m[1]]}`);
    return undefined;
  }
  if (!v) {
    print(`no variable '${m[1]}' here; info locals lists what there is`);
    return undefined;
  }
  const slice = parseSlice(m[2] ?? '[]', v.value.type.shape);
  if (typeof slice === 'string') {
    print(`${m[1]}: ${slice}`);
    return undefined;
  }
  if (!m[2]) print(formatSummary(v.name, v.summary, v.dtype));
  // The line about a scalar has said it all.
  if (v.value.type.shape.length > 0) print(formatValues(v.value.type, v.data, slice, s.pointerNames, m[2] !== undefined));
  return undefined;
}

function info(s: DebugSession, args: string, print: Print): undefined {
  switch (args) {
    case 'locals': {
      const all = s.variables();
      if (s.step) for (const [name, text] of Object.entries(s.constants)) print(`${name}: constexpr = ${text}`);
      for (const v of all) print(formatSummary(v.name, v.summary, v.dtype));
      if (all.length === 0) print('no variables here');
      return undefined;
    }
    case 'breakpoints':
    case 'break':
      for (const b of s.breakpoints) print(describe(b));
      for (const w of s.watches) print(`watch ${w.id} ${w.param}[${w.index}] = ${s.watchValue(w)}`);
      for (const c of s.catches) print(`catch ${c}`);
      if (s.breakpoints.length + s.watches.length + s.catches.size === 0) print('no breakpoints');
      return undefined;
    case 'program':
      if (s.state === 'new') print('the launch has not started; type run');
      else where(s, print);
      return undefined;
    default:
      print('usage: info locals | breakpoints | program');
      return undefined;
  }
}

function backtrace(s: DebugSession, _args: string, print: Print): undefined {
  const frames = s.backtrace();
  let n = 0;
  for (const f of frames) {
    if (f.kind === 'call') print(`#${n++} ${f.name} at ${printLoc(f.loc)}`);
    else print(`   in ${f.name} loop at line ${f.loc.line}, iteration ${f.iteration}${f.at ? ` (${f.at})` : ''}`);
  }
  if (frames.length === 0) print('the launch is not running');
  return undefined;
}

function watch(s: DebugSession, args: string, print: Print): undefined {
  const m = /^([A-Za-z_$][\w$]*)\s*\[\s*(-?\d+)\s*\]$/.exec(args);
  const w = m ? s.addWatch(m[1], Number(m[2])) : 'usage: watch POINTER[INDEX], e.g. watch out[5]';
  print(typeof w === 'string' ? w : `watch ${w.id} ${w.param}[${w.index}] = ${s.watchValue(w)}`);
  return undefined;
}

const COMMANDS: readonly Command[] = [
  {
    names: ['run', 'r'],
    usage: 'run',
    help: 'start the launch (again) and go to the first breakpoint; without breakpoints, stop at the first op',
    run: (s, _args, print) => {
      const first = s.start();
      report(
        s,
        first.reason === 'start' && s.breakpoints.length + s.watches.length + s.catches.size > 0 ? s.continue() : first,
        print,
      );
      return undefined;
    },
  },
  motion(['continue', 'c'], 'continue | c', 'go on to the next breakpoint', (s) => s.continue()),
  motion(['step', 's'], 'step | s', 'go to the next line, into device functions', (s) => s.stepLine()),
  motion(['next', 'n'], 'next | n', 'go to the next line, over device functions', (s) => s.stepOver()),
  motion(['stepi', 'si'], 'stepi | si', 'run one op', (s) => s.stepOp()),
  motion(['finish'], 'finish', 'go on until the device function returns, or the program ends', (s) => s.finish()),
  motion(['next-program', 'np'], 'next-program | np', 'go to the start of the next program', (s) => s.nextProgram()),
  {
    names: ['break', 'b'],
    usage: 'break LINE [if pid=x[,y[,z]]]',
    help: 'stop at a line; or break if pid=x: at the start of a program',
    run: addBreakpoint,
  },
  { names: ['watch'], usage: 'watch BUF[i]', help: 'stop when an element of a pointer argument changes', run: watch },
  {
    names: ['catch'],
    usage: 'catch nan | inf | off',
    help: 'stop after the op that makes a NaN or an infinity',
    run: (s, args, print) => {
      if (args === 'nan' || args === 'inf') s.catches.add(args);
      else if (args === 'off') s.catches.clear();
      else print('usage: catch nan | inf | off');
      return undefined;
    },
  },
  {
    names: ['delete', 'd'],
    usage: 'delete N',
    help: 'remove a breakpoint or watch',
    run: (s, args, print) => {
      const id = Number(args);
      print(
        args !== '' && (s.removeBreakpoint(id) || s.removeWatch(id))
          ? `deleted ${id}`
          : `there is no breakpoint or watch '${args}'`,
      );
      return undefined;
    },
  },
  {
    names: ['print', 'p'],
    usage: 'print NAME[slice] | p',
    help: 'a tile, mask or scalar: summary and values, or a part: p x[0:4, 3]',
    run: printVariable,
  },
  {
    names: ['info', 'i'],
    usage: 'info locals | breakpoints | program',
    help: 'list variables, breakpoints, or where we are',
    run: info,
  },
  {
    names: ['bt', 'backtrace'],
    usage: 'bt',
    help: 'the kernel, the device functions and the loops that we are in',
    run: backtrace,
  },
  {
    names: ['list', 'l'],
    usage: 'list [LINE]',
    help: 'source around the current line',
    run: (s, args, print) => {
      if (!s.loc) print('the launch is not running');
      else listLines(s, print, 5, /^\d+$/.test(args) ? Number(args) : undefined);
      return undefined;
    },
  },
  { names: ['quit', 'q', 'exit'], usage: 'quit | q', help: 'leave', run: () => 'quit' },
  {
    names: ['help', 'h', '?'],
    usage: 'help',
    help: 'this list',
    run: (_s, _args, print) => {
      const width = Math.max(...COMMANDS.map((c) => c.usage.length));
      for (const c of COMMANDS) print(`  ${c.usage.padEnd(width)}  ${c.help}`);
      return undefined;
    },
  },
];
