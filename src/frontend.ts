// Public entry `tessera/frontend`: the front end as a function, for tools and live editing. Brings ts-morph with it, which is
// why it stands apart from the runtime entry.

export { CompileError, type Diagnostic, printDiagnostic } from './dsl/diagnostics.ts';
export { type KernelInfo, mayDefineKernels, type TransformResult, transformSource } from './dsl/frontend/transform.ts';
