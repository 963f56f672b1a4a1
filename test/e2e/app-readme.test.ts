import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { exampleApp } from '../support/example-app.ts'
import { type Block, blocksOf } from '../support/markdown.ts'
import { copyApp, type MotiaApp, startMotia } from '../support/motia-app.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const documents = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]
const blocks = documents.flatMap((name) => blocksOf(join(root, name), name))
const typescript = blocks.filter((block) => block.language === 'ts')

const endings: (() => unknown)[] = []
afterAll(async () => {
  for (const end of endings.reverse()) await end()
})

const write = (folder: string, files: Record<string, string>): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}

describe('the TypeScript in README and docs', () => {
  /** What is no file of its own is the inside of a step's handler. */
  const snippet = (code: string): string => {
    const lines = code.split('\n')
    const imports = lines.filter((line) => line.startsWith('import '))
    const rest = lines.filter((line) => !line.startsWith('import '))
    return [
      "import type { FlowContext } from 'motia'",
      ...imports,
      'export const handler = async ({ cache, state }: FlowContext) => {',
      ...rest,
      'return { cache, state }',
      '}',
    ].join('\n')
  }

  /** Motia generates these from the steps. */
  const handlerTypes = (all: readonly Block[]): string => {
    const names = new Set(all.flatMap(({ code }) => [...code.matchAll(/Handlers\['(\w+)'\]/g)].map(([, name]) => name)))
    const lines = [...names].map((name) => `${name}: ApiRouteHandler<Record<string, unknown>, ApiResponse, never>`)
    return `import type {} from 'motia-redis'\nimport type { ApiResponse, ApiRouteHandler } from 'motia'\ndeclare module 'motia' { interface Handlers { ${lines.join('\n')} } }\n`
  }

  /** One section is one app; those that declare categories are judged alone, because the declaration is global. */
  const sectionOf = ({ document, section }: Block): string => `${document} ${section}`
  const sections = [...new Set(typescript.map(sectionOf))].map((name) =>
    typescript.filter((b) => sectionOf(b) === name),
  )
  const declaring = sections.filter((all) => all.some(({ file }) => file === 'cache.config.ts'))
  const others = sections.filter((all) => !declaring.includes(all))

  const judge = (programs: readonly (readonly Block[])[]): string => {
    mkdirSync(join(root, '.motia'), { recursive: true }) // inside, so that motia and zod are found
    const folder = mkdtempSync(join(root, '.motia', 'docs-'))
    endings.push(() => rmSync(folder, { recursive: true, force: true }))
    programs.forEach((all, index) => {
      const files = all.map(({ file, code }, place) => [
        `${index}/${file ?? `snippet-${place}.ts`}`,
        file === undefined ? snippet(code) : code,
      ])
      write(folder, Object.fromEntries(files))
    })
    write(folder, {
      'types.d.ts': handlerTypes(programs.flat()),
      'tsconfig.json': JSON.stringify({
        extends: join(root, 'tsconfig.json'),
        compilerOptions: {
          noUnusedLocals: false,
          skipLibCheck: true,
          paths: { 'motia-redis': [join(root, 'types/index.ts')], 'motia-redis/step': [join(root, 'types/step.ts')] },
        },
        include: ['.'],
        exclude: [],
      }),
    })
    try {
      execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder, '--pretty', 'false'])
      return ''
    } catch (error) {
      return String((error as { stdout?: Buffer }).stdout)
    }
  }

  it('is there', () => {
    expect(typescript.length).toBeGreaterThan(20)
    expect(declaring).toHaveLength(1)
  })

  it('compiles, without declared categories', () => {
    expect(judge(others)).toBe('')
  })

  it('compiles, with declared categories', () => {
    for (const all of declaring) expect(judge([all])).toBe('')
  })

  it('would be caught, were it wrong', () => {
    const wrong = { document: '', section: '', language: 'ts', code: "await cache.gett('k')", file: undefined }
    expect(judge([[wrong]])).toMatch(/snippet-0\.ts.*TS2551/)
  })
})

describe('the README, followed', () => {
  const start = async (dir: string): Promise<MotiaApp> => {
    const app = await startMotia({ dir, env: {} })
    endings.push(app.stop)
    return app
  }

  it('its first two files are an app', async () => {
    const source = mkdtempSync(join(tmpdir(), 'motia-redis-readme-'))
    endings.push(() => rmSync(source, { recursive: true, force: true }))
    const first = typescript.filter(({ document, section }) => document === 'README.md' && section === '')
    expect(first.map(({ file }) => file)).toEqual(['motia.config.ts', 'steps/menu.step.ts'])
    write(source, {
      'package.json': '{ "type": "module" }',
      ...Object.fromEntries(first.map(({ file, code }) => [file ?? '', code])),
    })
    const copy = copyApp(source)
    endings.push(copy.remove)
    const app = await start(copy.dir)
    const menu = [{ id: 'soup', cents: 650 }]
    for (let turn = 0; turn < 2; turn++) expect(await app.json('/menu')).toEqual({ menu })
    // With the categories that come later in the README, the same step goes on working.
    const config = typescript.find(({ document, file }) => document === 'README.md' && file === 'cache.config.ts')
    write(copy.dir, { 'cache.config.ts': config?.code ?? '' })
    const { categories } = (await import(join(copy.dir, 'cache.config.ts'))) as {
      categories: { menu: { schema: { parse(value: unknown): unknown } } }
    }
    expect(categories.menu.schema.parse(menu)).toEqual(menu)
  })

  it('its two requests answer what it says', async () => {
    const section = blocks.filter((block) => block.document === 'README.md' && block.section === 'Try it')
    const requests = section.flatMap(({ code }) => [...code.matchAll(/^curl -s http:\/\/127\.0\.0\.1:3000(\S+)$/gm)])
    const answers = section.find(({ language }) => language === 'json')?.code.split('\n') ?? []
    expect(requests).toHaveLength(2)
    const copy = exampleApp({ flows: ['menu'] })
    endings.push(copy.remove)
    const app = await start(copy.dir)
    for (const [index, [, path]] of requests.entries()) {
      const response = await app.fetch(path ?? '')
      expect(await response.text()).toBe(answers[index])
    }
  })
})
