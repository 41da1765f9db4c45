// Does a file define kernels? A question to its text, asked before the compiler is loaded and the file parsed. May say yes
// for a file without kernels, never no for one with kernels.

const IMPORT_TEXT = /(?:tessera|(?:index|kernel|tl)\.[cm]?[jt]s)(?:\/[^'"\n]*)?['"]/;
const CALL_TEXT = /\b(?:kernel|fn)\b/;

/** True when the file may define kernels or device functions. */
export const mayDefineKernels = (text: string): boolean => CALL_TEXT.test(text) && IMPORT_TEXT.test(text);
