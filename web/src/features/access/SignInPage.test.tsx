import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { createMemoryRouter, RouterProvider } from 'react-router';
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { startI18n } from '../../app/i18n';
import { SignInPage } from './SignInPage';

/** The server's answer to the next sign-in. */
let answer: () => Response;

beforeAll(startI18n);

beforeEach(() => {
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    if (path === '/api/setup') return Response.json({ needed: false });
    if (init.method === 'POST') return answer();
    return Response.json({ title: 'Not signed in' }, { status: 401 });
  });
});

afterEach(() => vi.unstubAllGlobals());

function show(at: string) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const router = createMemoryRouter(
    [
      { path: '/sign-in', element: <SignInPage /> },
      { path: '*', element: <p>elsewhere</p> },
    ],
    { initialEntries: [at] },
  );
  render(
    <MantineProvider>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return router;
}

async function signIn() {
  const user = userEvent.setup();
  await user.type(screen.getByLabelText('User name'), 'robin');
  await user.type(screen.getByLabelText('Password'), 'not it');
  await user.click(screen.getByRole('button', { name: 'Sign in' }));
}

it('a wrong password is said in plain words, and only the password is emptied', async () => {
  answer = () => Response.json({ title: 'Unauthorized' }, { status: 401 });
  show('/sign-in');
  await signIn();
  expect((await screen.findByRole('alert')).textContent).toContain('User name or password is not right.');
  expect((screen.getByLabelText('User name') as HTMLInputElement).value).toBe('robin');
  expect((screen.getByLabelText('Password') as HTMLInputElement).value).toBe('');
});

it('too many tries close the form and tell for how long', async () => {
  answer = () => Response.json({}, { status: 429, headers: { 'Retry-After': '95' } });
  show('/sign-in');
  await signIn();
  expect((await screen.findByTestId('countdown')).textContent).toMatch(/^1:3\d$/);
  expect((screen.getByRole('button', { name: 'Sign in' }) as HTMLButtonElement).disabled).toBe(true);
});

it('after signing in, the way leads to where one wanted to go', async () => {
  answer = () =>
    Response.json({ user: { user_name: 'robin', display_name: 'Robin' }, permissions: [], expires_at: null });
  const router = show('/sign-in?next=%2Fstudies%2F1.2');
  await signIn();
  await screen.findByText('elsewhere');
  expect(router.state.location.pathname).toBe('/studies/1.2');
});
