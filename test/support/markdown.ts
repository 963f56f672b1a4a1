import { readFileSync } from 'node:fs'

/** A fenced block of a document. */
export interface Block {
  readonly document: string
  /** The `## ` heading it stands under; '' before the first. */
  readonly section: string
  readonly language: string
  readonly code: string
  /** From a first line like `// steps/menu.step.ts`. */
  readonly file: string | undefined
}

export const blocksOf = (path: string, document: string): Block[] => {
  const blocks: Block[] = []
  let section = ''
  let open: { language: string; lines: string[] } | undefined
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const fence = /^```(\w*)$/.exec(line)
    if (open !== undefined && fence === null) open.lines.push(line)
    else if (open !== undefined) {
      const code = open.lines.join('\n')
      blocks.push({
        document,
        section,
        language: open.language,
        code,
        file: /^\/\/ ([\w/.-]+\.ts)$/m.exec(code.split('\n')[0] ?? '')?.[1],
      })
      open = undefined
    } else if (fence !== null) open = { language: fence[1] ?? '', lines: [] }
    else if (line.startsWith('## ')) section = line.slice(3)
  }
  return blocks
}
