import { createBrowserRouter } from 'react-router';
import { RequireSession } from '../features/access/RequireSession';
import { SetUpPage } from '../features/access/SetUpPage';
import { SignInPage } from '../features/access/SignInPage';
import { QuarantinePage } from '../features/archive/QuarantinePage';
import { StudyListPage } from '../features/archive/StudyListPage';
import { StudyPage } from '../features/archive/StudyPage';
import { NodesPage } from '../features/nodes/NodesPage';
import { OtherArchivesPage } from '../features/remote/OtherArchivesPage';
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
              { path: '/other-archives', element: <OtherArchivesPage /> },
              { path: '/nodes', element: <NodesPage /> },
              { path: '/quarantine', element: <QuarantinePage /> },
            ],
          },
        ],
      },
      { path: '*', element: <NotFoundPage /> },
    ],
  },
]);
