/** A connection check as text, to be sent to whoever administers the other side. */
import type { Finding } from './types';

export interface CheckWords {
  heading: string;
  title: (step: Finding['step']) => string;
  state: (state: Finding['state']) => string;
}

export function checkText(findings: Finding[], words: CheckWords): string {
  const lines = findings.flatMap((finding) => [
    `[${words.state(finding.state)}] ${words.title(finding.step)}: ${finding.seen}`,
    ...(finding.advice ? [`    > ${finding.advice}`] : []),
  ]);
  return [words.heading, '', ...lines, ''].join('\n');
}
