import { createBrowserRouter, Navigate } from 'react-router';
import { RequireSession } from '../features/access/RequireSession';
import { SetUpPage } from '../features/access/SetUpPage';
import { SignInPage } from '../features/access/SignInPage';
import { QuarantinePage } from '../features/archive/QuarantinePage';
import { StudyListPage } from '../features/archive/StudyListPage';
import { StudyPage } from '../features/archive/StudyPage';
import { CommitmentPage } from '../features/commitment/CommitmentPage';
import { PerformedStepsPage } from '../features/exams/PerformedStepsPage';
import { NodesPage } from '../features/nodes/NodesPage';
import { OtherArchivesPage } from '../features/remote/OtherArchivesPage';
import { ExchangePage } from '../features/routing/ExchangePage';
import { PriorsPage } from '../features/routing/PriorsPage';
import { QueuePage } from '../features/routing/QueuePage';
import { RulesPage } from '../features/routing/RulesPage';
import { SettingsPage } from '../features/routing/SettingsPage';
import { WorklistFrame } from '../features/scheduling/WorklistFrame';
import { WorklistPage } from '../features/scheduling/WorklistPage';
import { BrokenPage } from './BrokenPage';
import { NotFoundPage } from './NotFoundPage';
import { Shell } from './Shell';

export const router = createBrowserRouter([
  {
    errorElement: <BrokenPage />,
    children: [
      { path: '/sign-in', element: <SignInPage /> },
      { path: '/setup', element: <SetUpPage /> },
      {
        element: <RequireSession />,
        children: [
          {
            element: <Shell />,
            children: [
              { path: '/', element: <StudyListPage /> },
              { path: '/studies/:studyInstanceUid', element: <StudyPage /> },
              {
                path: '/worklist',
                element: <WorklistFrame />,
                children: [
                  { index: true, element: <WorklistPage /> },
                  { path: 'performed', element: <PerformedStepsPage /> },
                ],
              },
              { path: '/other-archives', element: <OtherArchivesPage /> },
              { path: '/nodes', element: <NodesPage /> },
              {
                path: '/exchange',
                element: <ExchangePage />,
                children: [
                  { index: true, element: <Navigate to="queue" replace /> },
                  { path: 'queue', element: <QueuePage /> },
                  { path: 'rules', element: <RulesPage /> },
                  { path: 'priors', element: <PriorsPage /> },
                  { path: 'commitment', element: <CommitmentPage /> },
                  { path: 'settings', element: <SettingsPage /> },
                ],
              },
              { path: '/quarantine', element: <QuarantinePage /> },
            ],
          },
        ],
      },
      { path: '*', element: <NotFoundPage /> },
    ],
  },
]);
