import { Anchor, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { systemQuery, usePermission } from '../../api/queries';

/** How a machine gets this list: what to enter there, and what it takes here. */
export function MachineHelp() {
  const { t } = useTranslation();
  const system = useQuery(systemQuery).data;
  const managesNodes = usePermission('nodes.manage');
  if (!system) return null;
  const facts: [string, string][] = [
    [t('send_help.ae_title'), system.ae_title],
    [t('send_help.host'), system.dicom_host],
    [t('send_help.port'), String(system.dicom_port)],
  ];
  return (
    <Stack gap="sm" ta="start">
      <Text size="sm">{t('worklist.help_text')}</Text>
      <SimpleGrid cols={{ base: 1, xs: 3 }} component="dl" className="facts">
        {facts.map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd className="mono">{value}</dd>
          </div>
        ))}
      </SimpleGrid>
      <Text size="sm">{t('worklist.help_report')}</Text>
      <Text size="sm">
        {t('worklist.help_nodes')}{' '}
        {managesNodes ? (
          <Anchor component={Link} to="/nodes" inherit underline="always">
            {t('worklist.help_nodes_link')}
          </Anchor>
        ) : (
          t('worklist.help_nodes_ask')
        )}
      </Text>
    </Stack>
  );
}
