// The command line: parses arguments, calls one function a command, prints what it returns. No logic here.

import { Command } from 'commander';

/** Prints an error the way a person reads it: diagnostics as they are, others with their stack only on request. */
function report(e: unknown): never {
  const err = e as Error;
  const known = err?.name === 'CompileError' || /^error TL\d+/.test(err?.message ?? '');
  console.error(known ? err.message : process.env.TESSERA_DEBUG ? (err?.stack ?? String(e)) : `error: ${err?.message ?? e}`);
  process.exit(1);
}

const program = new Command('tessera')
  .description("Triton's programming model in TypeScript: tile kernels for WebGPU, and an interpreter that steps them.")
  .showHelpAfterError('(tessera --help lists the commands)')
  .version('0.1.0');

const signatureOption = [
  '-s, --signature <text>',
  'arguments, e.g. "x=*f32:16, n=i32, BLOCK=1024"; annotations fill in the rest',
] as const;
const targetOption = [
  '--target <text>',
  'device to compile for, e.g. "f16,subgroups=32"; default: what every device has',
] as const;
const kernelOption = ['-k, --kernel <name>', 'kernel of the file; may be left out if it has one'] as const;

program
  .command('doctor')
  .description('adapter, features, limits, driver; what is missing and how to get it')
  .action(async () => {
    const { doctor } = await import('./cli/doctor.ts');
    console.log(await doctor());
  });
program
  .command('check <file>')
  .description('all diagnostics of a file')
  .option(...kernelOption)
  .option(...signatureOption)
  .option(...targetOption)
  .action(async (file, options) => {
    const { check } = await import('./cli/check.ts');
    const r = await check(file, options);
    console.log(r.text);
    process.exitCode = r.errors ? 1 : 0;
  });
program
  .command('lower <file>')
  .description('print the IR or WGSL of a kernel')
  .option(...kernelOption)
  .option('--to <level>', 'ir, lane or wgsl', 'wgsl')
  .option(...signatureOption)
  .option(...targetOption)
  .option('--dump-after <pass>', 'print the IR after this pass instead')
  .option('--from [pass]', 'the file is IR text (dumped after that pass, if named): go on from there')
  .option('--locs', 'print source locations', false)
  .action(async (file, options) => {
    const { lower } = await import('./cli/lower.ts');
    process.stdout.write(await lower(file, options));
  });
program
  .command('run <file> [args...]')
  .description('run a TypeScript file that contains kernels')
  .allowUnknownOption()
  .action(async (file, args) => {
    const [{ runFile }, { tuning }, { fileStore }] = await Promise.all([
      import('./cli/load.ts'),
      import('./runtime/autotune.ts'),
      import('./cli/tuneStore.ts'),
    ]);
    tuning.store = fileStore();
    await runFile(file, args);
  });
program
  .command('tune <file> [args...]')
  .description('run a file and measure the configs of its autotuned kernels anew')
  .allowUnknownOption()
  .action(async (file, args) => {
    const { tune } = await import('./cli/tune.ts');
    console.log(await tune(file, args));
  });
program
  .command('ops [name]')
  .description('the operations of the language, or one of them')
  .action(async (name) => {
    const { ops } = await import('./cli/ops.ts');
    console.log(ops(name));
  });
program
  .command('debug <file>')
  .description('run the file on the interpreter and step its first launch of a kernel')
  .option(...kernelOption)
  .option('--commands <file>', 'read debugger commands from a file instead of the terminal')
  .action(async (file, options) => {
    const { debugFile } = await import('./cli/debugFile.ts');
    process.exitCode = await debugFile(file, options);
  });
program
  .command('port <file>')
  .description('translate Triton kernels in Python to TypeScript')
  .option('-o, --out <file>', 'file to write; standard output if absent')
  .option('--strict', 'refuse what Triton refuses, although it could be translated')
  .action(async (file, options) => {
    const { portFile } = await import('./cli/port.ts');
    const r = portFile(file, options);
    process.stdout.write(r.text);
    if (r.problems) console.error(r.problems);
    process.exitCode = r.errors ? 1 : 0;
  });
program
  .command('build <file>')
  .description('write NAME.wgsl and NAME.json for use without this package')
  .requiredOption('-o, --out <dir>', 'folder to write to')
  .option(...kernelOption)
  .option(...signatureOption)
  .option(...targetOption)
  .option('--name <name>', 'base name of the files')
  .action(async (file, options) => {
    const { build } = await import('./cli/build.ts');
    console.log(await build(file, options));
  });

await program.parseAsync().catch(report);
