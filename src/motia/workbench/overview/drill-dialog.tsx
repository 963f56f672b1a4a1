import { type ReactNode, useState } from 'react'
import type { InstanceView } from '../../../sight/contract.js'
import { change } from '../api.js'
import { formatDuration, plural } from '../format.js'
import { ConfirmDialog } from '../pieces/confirm-dialog.js'

const choices = [15, 60, 300] as const

/** Pull the plug: how an outage of this instance feels, without one. */
export const DrillDialog = ({
  instance: { name, categories, holdsState },
  onClose,
}: {
  readonly instance: InstanceView
  readonly onClose: (done: boolean) => void
}): ReactNode => {
  const [seconds, setSeconds] = useState<number>(choices[0])
  const moved = categories.filter((category) => category !== 'state').length
  return (
    <ConfirmDialog
      confirmation={{
        title: `Pull the plug of ${name}?`,
        action: `Pull it for ${formatDuration(seconds * 1_000)}`,
        run: () => change({ do: 'drill', instance: name, seconds }),
        text: (
          <div className="flex flex-col gap-3">
            <p>
              This server treats {name} as gone: {plural(moved, 'category', 'categories')}
              {holdsState && ' and state'} move to their stand-in. Afterwards kept data that was written meanwhile is
              brought home, and cached entries that changed are read anew. The Redis itself isn't touched.
            </p>
            <fieldset className="flex flex-wrap gap-x-4 gap-y-1">
              <legend className="mb-1 font-medium text-foreground">For how long?</legend>
              {choices.map((choice) => (
                <label key={choice} className="flex cursor-pointer items-center gap-2 text-foreground">
                  <input
                    type="radio"
                    name="drill-seconds"
                    className="mr-radio"
                    checked={choice === seconds}
                    onChange={() => setSeconds(choice)}
                  />
                  {formatDuration(choice * 1_000)}
                </label>
              ))}
            </fieldset>
          </div>
        ),
      }}
      onClose={onClose}
    />
  )
}
