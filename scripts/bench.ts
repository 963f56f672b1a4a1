import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** `npm run bench`: every bench, one after the other, each in a process of its own; `npm run bench -- state` only that one. */

const folder = fileURLToPath(new URL('../bench/', import.meta.url))
const all = readdirSync(folder)
  .filter((name) => name.endsWith('.ts') && name !== 'measure.ts') // what the benches share
  .map((name) => name.slice(0, -'.ts'.length))
const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !all.includes(name))
if (unknown.length > 0) {
  console.error(`No bench ${unknown.join(', ')}. There are: ${all.join(', ')}`)
  process.exit(1)
}

for (const name of asked.length > 0 ? asked : all) {
  console.log(`\n== ${name}`)
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', `${folder}${name}.ts`], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
