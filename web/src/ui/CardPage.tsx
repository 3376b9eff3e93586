import { Box, Center, Group, Paper, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Logo } from './Logo';

interface Props {
  title: string;
  subtitle?: string;
  children: ReactNode;
}

/** One card in the middle of an empty page: sign-in, set-up, not found. */
export function CardPage({ title, subtitle, children }: Props) {
  return (
    <Center component="main" mih="100dvh" p="md" className="card-page">
      <Box w="100%" maw={400}>
        <Group justify="center" gap="sm" mb="lg">
          <Logo size={36} />
          <Text fw={650} fz={24} lts={-0.3}>
            Filmless
          </Text>
        </Group>
        <Paper withBorder radius="lg" p={{ base: 'lg', xs: 'xl' }} shadow="md">
          <Stack gap="md">
            <div>
              <Title order={1} fz={20} fw={600}>
                {title}
              </Title>
              {subtitle && (
                <Text size="sm" c="dimmed" mt={4}>
                  {subtitle}
                </Text>
              )}
            </div>
            {children}
          </Stack>
        </Paper>
      </Box>
    </Center>
  );
}
