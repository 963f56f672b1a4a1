import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const installed = join(root, 'node_modules')

interface Manifest {
  readonly version: string
  readonly dependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
  readonly peerDependenciesMeta?: Record<string, { readonly optional?: boolean }>
}

const manifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

/** Packs the built package as `npm publish` would, into the folder, and unpacks it there. Answers the unpacked package. */
export const packInto = (folder: string): string => {
  // --ignore-scripts: the tests' global setup has built already, and prepack would do it again.
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const packed = JSON.parse(
    execFileSync('npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] }).toString(),
  ) as {
    filename: string
  }[]
  const tarball = packed[0]?.filename
  if (tarball === undefined) throw new Error('npm pack named no file')
  execFileSync('tar', ['-xzf', join(folder, tarball), '-C', folder])
  return join(folder, 'package')
}

const link = (name: string, into: string): void => {
  const place = join(into, name)
  mkdirSync(dirname(place), { recursive: true })
  symlinkSync(join(installed, name), place, 'dir')
}

/** node_modules as npm lays it out: everything hoisted. All but our package are links to this repository's. */
export const npmLayout = (app: string, packed: string): void => {
  const modules = join(app, 'node_modules')
  mkdirSync(modules, { recursive: true })
  for (const name of readdirSync(installed)) if (!name.startsWith('.')) link(name, modules)
  cpSync(packed, join(modules, 'motia-redis'), { recursive: true })
}

/**
 * node_modules as pnpm lays it out: a package sees what it declares and nothing else. The app sees motia,
 * motia-redis and `direct`; `@motiadev/core` is out of reach of both it and motia-redis, as is an optional peer.
 */
export const pnpmLayout = (app: string, packed: string, direct: readonly string[]): void => {
  const modules = join(app, 'node_modules')
  const own = join(modules, '.pnpm', `motia-redis@${manifest(packed).version}`, 'node_modules')
  mkdirSync(own, { recursive: true })
  cpSync(packed, join(own, 'motia-redis'), { recursive: true })
  const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest(packed)
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true)
  for (const name of [...Object.keys(dependencies), ...peers]) link(name, own)
  symlinkSync(join(own, 'motia-redis'), join(modules, 'motia-redis'), 'dir')
  for (const name of ['motia', ...direct]) link(name, modules)
}

/** The tsconfig that `motia create` writes, with what a test adds. */
export const writeTsconfig = (
  path: string,
  include: readonly string[],
  options: Record<string, unknown> = {},
): void => {
  const compilerOptions = {
    target: 'ES2020',
    module: 'ESNext',
    moduleResolution: 'bundler',
    allowImportingTsExtensions: true,
    noEmit: true,
    esModuleInterop: true,
    strict: true,
    skipLibCheck: true,
    forceConsistentCasingInFileNames: true,
    resolveJsonModule: true,
    allowJs: true,
    jsx: 'react-jsx',
    ...options,
  }
  writeFileSync(path, JSON.stringify({ compilerOptions, include }, null, 2))
}
