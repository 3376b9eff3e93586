import { MantineProvider, mergeThemeOverrides } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { RouterProvider } from 'react-router';
import { newQueryClient } from './queryClient';
import { router } from './routes';
import { cssVariables, theme } from './theme';

const client = newQueryClient();

/** The theme with the words that Mantine leaves to us. */
function useWordedTheme() {
  const { t } = useTranslation();
  return useMemo(() => {
    const closeButtonProps = { 'aria-label': t('action.close') };
    return mergeThemeOverrides(theme, {
      components: { Notification: { defaultProps: { closeButtonProps } } },
    });
  }, [t]);
}

export function App() {
  return (
    <MantineProvider theme={useWordedTheme()} cssVariablesResolver={cssVariables} defaultColorScheme="dark">
      <QueryClientProvider client={client}>
        <Notifications position="bottom-right" autoClose={4000} />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
