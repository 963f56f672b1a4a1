import { Tabs, TabsContent, TabsList, TabsTrigger } from '@motiadev/ui'
import { type ReactNode, useState } from 'react'
import { ErrorBoundary } from './error-boundary.js'
import { Locked } from './pieces/locked.js'
import { moved, type Place, type Places, returnTo, type ViewId } from './place.js'
import { rememberedView, rememberView } from './remembered-view.js'
import { StatusLine } from './status-line.js'
import { ClockAhead } from './use-now.js'
import { OverviewPoll, useOverviewPoll } from './use-overview.js'
import { views } from './views.js'

/** The frame: which view is shown, and how the whole stands, which is shown above every view. */
export const Panel = (): ReactNode => {
  const [places, setPlaces] = useState<Places>(() => [{ view: rememberedView() }])
  const [place] = places
  const polled = useOverviewPoll(place.view === 'overview')
  const { answer, at, failure, again } = polled
  const go = (next: Place): void => {
    rememberView(next.view)
    setPlaces((before) => moved(before, next))
  }
  const ahead = answer === undefined || at === undefined ? 0 : answer.now - at

  return (
    <ClockAhead value={ahead}>
      <OverviewPoll value={polled}>
        <div className="mr-panel @container flex h-full min-h-0 flex-col text-foreground" data-testid="cache-panel">
          {failure?.kind === 'locked' ? (
            <Locked failure={failure} again={again} />
          ) : (
            <Tabs
              value={place.view}
              onValueChange={(view) => go(returnTo(places, view as ViewId))}
              className="min-h-0 flex-1"
              data-testid="cache-views"
            >
              <div className="flex min-w-0 flex-col-reverse border-b @3xl:flex-row @3xl:items-center @3xl:justify-between">
                <TabsList className="mr-tabs min-w-0 overflow-x-auto overflow-y-hidden" aria-label="Views of the cache">
                  {views.map(({ id, label, icon: Icon }) => (
                    <TabsTrigger
                      key={id}
                      value={id}
                      className="mr-tab cursor-pointer px-3"
                      data-testid={`cache-view-${id}`}
                    >
                      <Icon aria-hidden="true" />
                      {label}
                    </TabsTrigger>
                  ))}
                </TabsList>
                <StatusLine polled={polled} />
              </div>
              {views.map(({ id, label, page: Page }) => (
                <TabsContent
                  key={id}
                  value={id}
                  className="mr-view flex min-h-0 flex-col"
                  data-testid={`cache-page-${id}`}
                >
                  <ErrorBoundary name={`The view ${label}`}>
                    <Page place={place} go={go} server={answer?.server} />
                  </ErrorBoundary>
                </TabsContent>
              ))}
            </Tabs>
          )}
        </div>
      </OverviewPoll>
    </ClockAhead>
  )
}
