import { Info, OctagonAlert, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Advice } from '../../../sight/contract.js'
import { sentence, visible } from '../format.js'

const looks = {
  error: { icon: OctagonAlert, className: 'mr-bad', word: 'Error' },
  warning: { icon: TriangleAlert, className: 'mr-warn', word: 'Warning' },
  note: { icon: Info, className: 'mr-info', word: 'Note' },
} as const
const order = { error: 0, warning: 1, note: 2 } as const

/** What could go better, and how; the worst first. */
export const AdviceList = ({
  advice,
  names,
}: {
  readonly advice: readonly Advice[]
  /** Of the instances. */
  readonly names: readonly string[]
}): ReactNode => (
  <ul className="flex flex-col gap-2" data-testid="cache-advice">
    {[...advice]
      .sort((a, b) => order[a.level] - order[b.level])
      .map(({ level, text, doThis }) => {
        const { icon: Icon, className, word } = looks[level]
        return (
          <li
            key={`${level} ${text}`}
            className="mr-card flex gap-2.5 rounded-lg border p-3 text-sm"
            data-level={level}
          >
            <Icon role="img" aria-label={word} className={`mt-0.5 size-4 shrink-0 ${className}`} />
            <div className="min-w-0">
              <p className="font-medium break-words">{sentence(visible(text), names)}</p>
              <p className="mt-0.5 text-muted-foreground break-words">{sentence(visible(doThis), names)}</p>
            </div>
          </li>
        )
      })}
  </ul>
)
