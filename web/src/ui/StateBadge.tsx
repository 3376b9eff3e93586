import type { ReactNode } from 'react';

/** What a state means for whoever looks: nothing yet, somebody is here, it runs, done, ended, needs a look. */
export type StateTone = 'plain' | 'here' | 'running' | 'done' | 'ended' | 'attention';

/** A state in words; the colour only helps to find it. */
export function StateBadge({ tone, children }: { tone: StateTone; children: ReactNode }) {
  return (
    <span className="state" data-tone={tone}>
      {children}
    </span>
  );
}
