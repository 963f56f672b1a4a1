import type { Report } from '../../../src/report.ts'

/** A report that keeps its lines as 'level: line'. */
export const collectReport = (): { lines: string[]; report: Report } => {
  const lines: string[] = []
  const keep = (level: string) => (line: string) => void lines.push(`${level}: ${line}`)
  return { lines, report: { info: keep('info'), warn: keep('warn'), error: keep('error') } }
}
