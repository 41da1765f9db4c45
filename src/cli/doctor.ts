// `tessera doctor`: what device there is, what it can do, what is missing and how to get it. In: nothing, it looks for itself.
// Out: text. Collecting facts and saying them are apart, so that what is said of any machine can be tested on one.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { DeviceInfo } from '../runtime/backend.ts';
import { bytesText } from '../runtime/messages.ts';
import { openDevice } from '../runtime/open.ts';

export interface Facts {
  readonly node: string;
  readonly platform: string;
  readonly arch: string;
  /** Version of the npm package `webgpu`, or null. */
  readonly webgpu: string | null;
  /** What a device was made of, or why there is none. */
  readonly device: DeviceInfo | { readonly missing: string };
  /** 'ok', or what went wrong when data went to the device and back. */
  readonly trial: string | null;
  /** The line of scripts/with-vulkan.mjs, when the process was started through it. */
  readonly withVulkan: string | null;
  /** Linux: where the Vulkan loader and the drivers' manifests are. */
  readonly vulkan: { readonly loader: string | null; readonly drivers: readonly string[] } | null;
}

/** Folders in which libvulkan.so.1 is found: the environment's first, then those of common distributions. */
function vulkanFacts(): Facts['vulkan'] {
  if (process.platform !== 'linux') return null;
  const { env } = process;
  const multiarch = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const libs = [
    ...(env.LD_LIBRARY_PATH ?? '').split(':').filter(Boolean),
    `/usr/lib/${multiarch}`,
    '/usr/lib64',
    '/usr/lib',
    '/usr/local/lib',
  ];
  const loader = libs.map((d) => join(d, 'libvulkan.so.1')).find((f) => existsSync(f)) ?? null;
  const named = env.VK_DRIVER_FILES ?? env.VK_ICD_FILENAMES;
  if (named) return { loader, drivers: named.split(':').filter((f) => f.endsWith('.json') && existsSync(f)) };
  const drivers = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d'].flatMap((d) =>
    existsSync(d) ? readdirSync(d).map((f) => join(d, f)) : [],
  );
  return { loader, drivers };
}

function webgpuVersion(): string | null {
  try {
    const main = createRequire(import.meta.url).resolve('webgpu');
    const text = readFileSync(join(main, '..', 'package.json'), 'utf8');
    return (JSON.parse(text) as { version: string }).version;
  } catch {
    return null;
  }
}

export async function collectFacts(): Promise<Facts> {
  let device: Facts['device'];
  let trial: string | null = null;
  try {
    const dev = await openDevice({}, null);
    device = dev.info;
    try {
      const t = dev.tensor([1, 2, 3, 4], { dtype: 'f16', shape: [2, 2] });
      const back = await t.transpose().clone().toNumbers();
      trial = back.join() === '1,3,2,4' ? 'ok' : `wrong data came back: ${back.join()}`;
    } catch (e) {
      trial = (e as Error).message;
    }
    dev.destroy();
  } catch (e) {
    device = { missing: (e as Error).message };
  }
  return {
    node: process.versions.node,
    platform: process.platform,
    arch: process.arch,
    webgpu: webgpuVersion(),
    device,
    trial,
    withVulkan: process.env.TESSERA_VULKAN ?? null,
    vulkan: vulkanFacts(),
  };
}

/** What to do about what is missing, most important first. */
export function advice({ device, webgpu, vulkan, platform, trial }: Facts): string[] {
  const out: string[] = [];
  if (!webgpu) return ['WebGPU in Node: npm install webgpu'];
  if ('missing' in device) {
    if (platform !== 'linux') return ['update the graphics driver: Dawn found no adapter'];
    if (!vulkan?.loader)
      out.push(
        'Vulkan loader: apt install libvulkan1 (Debian, Ubuntu), dnf install vulkan-loader (Fedora), pacman -S vulkan-icd-loader (Arch)',
      );
    if (!vulkan?.drivers.length) {
      out.push('a Vulkan driver: for NVIDIA its own driver package; else apt install mesa-vulkan-drivers (Debian, Ubuntu)');
    } else out.push(`the drivers that are installed were refused: ${vulkan.drivers.join(', ')}`);
    out.push(
      'no GPU? lavapipe renders in software: apt install mesa-vulkan-drivers; on Debian 12 from backports (Mesa 22 is too old):',
      '  echo "deb http://deb.debian.org/debian bookworm-backports main" > /etc/apt/sources.list.d/backports.list',
      '  apt update && apt install -t bookworm-backports mesa-vulkan-drivers',
      'in a clone of Tessera, npm test and npm run use SwiftShader by themselves: node scripts/with-vulkan.mjs COMMAND',
    );
    return out;
  }
  if (trial !== 'ok')
    out.push('the adapter is there but does not work: update the driver, or choose another one with device({ adapter })');
  if (device.software)
    out.push('this is a software renderer: right, but slow. With a GPU in the machine, install its Vulkan driver');
  return out;
}

const yes = (b: boolean): string => (b ? 'yes' : 'no');

/** The report for these facts. */
export function describe(facts: Facts): string {
  const { device, vulkan } = facts;
  const rows: [string, string][] = [
    ['node', `${facts.node} on ${facts.platform}-${facts.arch}`],
    ['webgpu package', facts.webgpu ?? 'not installed'],
  ];
  if (vulkan) {
    rows.push(['vulkan loader', vulkan.loader ?? 'not found']);
    rows.push(['vulkan drivers', vulkan.drivers.length ? vulkan.drivers.map((d) => d.replace(/^.*\//, '')).join(', ') : 'none']);
  }
  if (facts.withVulkan) rows.push(['with-vulkan', facts.withVulkan]);
  if ('missing' in device) {
    rows.push(['device', 'interpreter (CPU)'], ['why', device.missing]);
  } else {
    const has = (f: string): boolean => device.features.includes(f);
    const { limits } = device;
    const [lo, hi] = device.subgroupSize ?? [0, 0];
    rows.push(
      ['device', 'WebGPU'],
      ['adapter', device.description],
      ['vendor', [device.vendor, device.architecture].filter(Boolean).join(', ')],
      ['kind', device.software ? 'software renderer' : 'GPU'],
      ['f16 arithmetic', has('shader-f16') ? 'yes' : 'no: f16 lives packed and is computed in f32, with the same results'],
      [
        'subgroups',
        device.subgroupSize
          ? `yes, of ${lo === hi ? lo : `${lo} to ${hi}`} invocations`
          : 'no: reductions go through workgroup memory',
      ],
      [
        'subgroup matrices',
        device.subgroupMatrices.length ? device.subgroupMatrices.join('; ') : 'no: dot is blocked through workgroup memory',
      ],
      ['timestamps', yes(has('timestamp-query'))],
      [
        'other features',
        device.features.filter((f) => !/^(shader-f16|subgroups|timestamp-query|.*subgroup-matrix)$/.test(f)).join(', ') || 'none',
      ],
      ['workgroup memory', bytesText(limits.workgroupStorage)],
      ['invocations', `${limits.invocations} a program`],
      ['storage buffers', `${limits.storageBuffers} a launch, ${bytesText(limits.bindingSize)} each`],
      ['largest buffer', bytesText(limits.bufferSize)],
      ['data there and back', facts.trial ?? 'not tried'],
    );
  }
  const width = Math.max(...rows.map(([k]) => k.length));
  const lines = rows.map(([k, v]) => `${k.padEnd(width)}  ${v}`);
  const todo = advice(facts);
  if (todo.length)
    lines.push(
      '',
      'missing' in device ? 'To run on WebGPU:' : 'Notes:',
      ...todo.map((t) => (t.startsWith('  ') ? `  ${t}` : `- ${t}`)),
    );
  return lines.join('\n');
}

/** The whole report on this machine. */
export async function doctor(): Promise<string> {
  return describe(await collectFacts());
}
