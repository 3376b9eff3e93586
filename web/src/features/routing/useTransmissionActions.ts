import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useProblemText } from '../../api/ProblemNotice';
import { sessionQuery, usePermission } from '../../api/queries';
import { useChangePriority, useTransmissionOrder } from './queries';
import { possibleOrders } from './queueFilters';
import type { Priority, Transmission } from './types';

/** What this person may do with a transmission now, and the doing; what is refused is told. */
export function useTransmissionActions() {
  const { t } = useTranslation();
  const problemText = useProblemText();
  const mayManage = usePermission('routing.manage');
  const userName = useQuery(sessionQuery).data?.user.user_name;
  const order = useTransmissionOrder();
  const priority = useChangePriority();
  const onError = (error: Error) =>
    notifications.show({ color: 'red', title: t('exchange.not_done'), message: problemText(error) });

  /** One's own, or all for who looks after the queue. */
  const isMine = (one: Transmission) => mayManage || (one.reason === 'person' && one.asked_by === userName);
  return {
    possible: (one: Transmission) =>
      isMine(one)
        ? possibleOrders(one.state, one.next_try_at)
        : { retry: false, stop: false, changePriority: false },
    retry: ({ id }: Transmission) => order.mutate({ id, order: 'retry' }, { onError }),
    stop: ({ id, destination }: Transmission) =>
      order.mutate(
        { id, order: 'cancel' },
        {
          onError,
          onSuccess: () =>
            notifications.show({ message: t('exchange.stopped', { destination }), color: 'green' }),
        },
      ),
    changePriority: ({ id }: Transmission, to: Priority) =>
      priority.mutate({ id, priority: to }, { onError }),
  };
}
