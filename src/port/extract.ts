// Kernels in a text that is not Python as a whole (a web page, documentation): everything but `@triton.jit` functions, module
// constants and imports is blanked out, so that lines keep their numbers.

const CONSTANT = /^[A-Za-z_]\w*\s*(?::\s*[\w.]+\s*)?=[^=]/;
const IMPORT = /^(?:import|from)\s+triton\b/;
const DECORATOR = /^(\s*)@\s*(?:\w+\.)*(?:jit|autotune|heuristics)\b/;

const indentOf = (line: string): number => line.length - line.trimStart().length;
/** How many brackets a line leaves open; strings and comments are skipped roughly. */
const depth = (line: string): number => {
  const bare = line.replace(/"""[\s\S]*?"""|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '').replace(/#.*$/, '');
  return (bare.match(/[([{]/g)?.length ?? 0) - (bare.match(/[)\]}]/g)?.length ?? 0);
};

/** `text` with all other lines emptied; indented kernels are moved to the margin. */
export function extractKernels(text: string): string {
  const lines = text.split('\n');
  const keep = lines.map(() => '');
  for (let i = 0; i < lines.length; i++) {
    const start = DECORATOR.exec(lines[i]);
    if (!start) {
      if (IMPORT.test(lines[i]) || (CONSTANT.test(lines[i]) && depth(lines[i]) === 0)) keep[i] = lines[i];
      continue;
    }
    const margin = start[1].length;
    for (let k = i - 1; k >= 0 && lines[k].trimStart().startsWith('#') && indentOf(lines[k]) === margin; k--)
      keep[k] = lines[k].slice(margin);
    let inBody = false;
    let open = 0;
    for (; i < lines.length; i++) {
      const line = lines[i];
      const blank = line.trim() === '';
      if (inBody && open === 0 && !blank && indentOf(line) <= margin) break;
      keep[i] = line.slice(Math.min(margin, indentOf(line)));
      open += depth(line);
      if (!inBody && open === 0 && /:\s*(?:#.*)?$/.test(line) && !/^\s*@/.test(line)) inBody = true;
    }
    i--;
  }
  return keep.join('\n');
}
