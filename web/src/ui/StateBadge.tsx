import type { ReactNode } from 'react';

/** What a state means for whoever looks: nothing to do, it goes on, it went well, have an eye on it, act. */
export type StateTone = 'plain' | 'work' | 'well' | 'care' | 'need';

/** A state in words; the colour only helps to find it. */
export function StateBadge({ tone, children }: { tone: StateTone; children: ReactNode }) {
  return (
    <span className="state" data-tone={tone}>
      {children}
    </span>
  );
}
