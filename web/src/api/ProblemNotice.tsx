import { useTranslation } from 'react-i18next';
import { ErrorNotice } from '../ui/ErrorNotice';
import { ApiError } from './client';

interface Props {
  title: string;
  error: unknown;
  onRetry?: () => void;
}

/** What the server said, in its own plain words; or that it could not be reached. */
export function ProblemNotice({ title, error, onRetry }: Props) {
  const { t } = useTranslation();
  const retry = onRetry && { onRetry, retryLabel: t('action.retry') };
  return (
    <ErrorNotice title={title} {...retry}>
      {useProblemText()(error)}
    </ErrorNotice>
  );
}

/** A failed request in words, for a notification. */
export function useProblemText(): (error: unknown) => string {
  const { t } = useTranslation();
  return (error) => (error instanceof ApiError && error.message) || t('problem.unreachable');
}
