/*
 * The settings of the OHIF viewer at /viewer/, given out by the server as /viewer/app-config.js.
 *
 * What it is: OHIF's own configuration object, with one small extension (the bridge) that makes OHIF a part of
 * Filmless: same origin, the same session cookie, the CSRF header on writes, and sign-in again when the session
 * has ended. What it is not: a place for secrets or addresses; the viewer takes study UIDs, never URLs.
 */
(() => {
  const readCookie = (name) => {
    const found = document.cookie.split('; ').find((pair) => pair.startsWith(`${name}=`));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : '';
  };

  // OHIF's tour of its buttons would cover the images of everybody's first study.
  window.localStorage.setItem('shownTours', JSON.stringify(['basicViewerTour']));

  // Kept from the start: OHIF goes on to "study not found" while the answer 401 is still on its way.
  const here = window.location.pathname + window.location.search;
  const signInAgain = () => {
    window.location.assign(`/sign-in?next=${encodeURIComponent(here)}`);
  };

  const bridge = {
    id: 'filmless.bridge',
    preRegistration({ servicesManager }) {
      servicesManager.services.userAuthenticationService.setServiceImplementation({
        getAuthorizationHeader: () => ({ 'X-CSRF-Token': readCookie('filmless_csrf') }),
        handleUnauthenticated: signInAgain,
      });
    },
  };

  // OHIF hands its React in. The mark leads back: to the study's own page when one study is open.
  const mark = (React) => {
    const studies = new URLSearchParams(window.location.search).get('StudyInstanceUIDs') ?? '';
    const href = /^[0-9.]+$/.test(studies) ? `/studies/${studies}` : '/';
    const style = {
      display: 'flex',
      alignItems: 'center',
      gap: '10px',
      color: '#fff',
      textDecoration: 'none',
    };
    return React.createElement(
      'a',
      { href, style, 'aria-label': 'Back to Filmless' },
      React.createElement('span', { 'aria-hidden': true, style: { fontSize: '22px', lineHeight: 1 } }, '‹'),
      React.createElement('span', { style: { fontWeight: 600, fontSize: '15px' } }, 'Filmless'),
    );
  };

  window.config = {
    routerBasename: '/viewer',
    extensions: [bridge],
    modes: [],
    customizationService: {},
    whiteLabeling: { createLogoComponentFn: mark },
    showStudyList: false,
    maxNumberOfWebWorkers: 3,
    showWarningMessageForCrossOrigin: false,
    showCPUFallbackMessage: false,
    showLoadingIndicator: true,
    strictZSpacingForVolumeViewport: true,
    investigationalUseDialog: { option: 'never' },
    maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 },
    httpErrorHandler: (error) => {
      if (error && error.status === 401) signInAgain();
    },
    defaultDataSourceName: 'filmless',
    dataSources: [
      {
        namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
        sourceName: 'filmless',
        configuration: {
          friendlyName: 'Filmless',
          name: 'filmless',
          qidoRoot: '/dicom-web',
          wadoRoot: '/dicom-web',
          wadoUriRoot: '/wado',
          qidoSupportsIncludeField: false,
          supportsReject: false,
          supportsStow: true,
          supportsFuzzyMatching: false,
          supportsWildcard: true,
          imageRendering: 'wadors',
          thumbnailRendering: 'wadors',
          enableStudyLazyLoad: true,
          omitQuotationForMultipartRequest: true,
          bulkDataURI: { enabled: true, relativeResolution: 'studies' },
          dicomUploadEnabled: false,
        },
      },
    ],
  };
})();
