import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

/** A calm blue that keeps 4.5:1 with white text from shade 7 on, and on the dark page from shade 4 down. */
const beam: MantineColorsTuple = [
  '#e6f6fe',
  '#cfeafa',
  '#a3d6f3',
  '#7cc4ee',
  '#5cb6ea',
  '#3aa2dc',
  '#1f87c2',
  '#146a9d',
  '#0f557f',
  '#0a3f60',
];

/** Cold near-blacks: in a reading room the page must not outshine the film. */
const dark: MantineColorsTuple = [
  '#d5dce4',
  '#b3bdc8',
  '#96a3b1',
  '#5f6c7b',
  '#364250',
  '#283340',
  '#1a222c',
  '#12181f',
  '#0c1117',
  '#080b0f',
];

export const theme = createTheme({
  primaryColor: 'beam',
  primaryShade: { light: 7, dark: 7 },
  colors: { beam, dark },
  fontFamily:
    "'Inter Variable', system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK JP', 'Noto Naskh Arabic', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', monospace",
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  defaultRadius: 'md',
  focusRing: 'auto',
  cursorType: 'pointer',
  respectReducedMotion: true,
});

/** Mantine's dimmed grey and error red are a shade too faint for WCAG AA on these pages. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#52606d',
    '--mantine-color-placeholder': '#5f6c7b',
    '--mantine-color-error': '#c92a2a',
    '--mantine-color-anchor': '#0f5f8e',
    '--page': '#f3f5f8',
    '--surface': '#ffffff',
    '--line': '#dde3ea',
    '--row-hover': '#eef5fa',
    '--row-focus': '#dceefa',
    '--row-fresh': '#fff1d6',
    '--accent': '#0f6ea3',
  },
  dark: {
    '--mantine-color-dimmed': '#96a3b1',
    '--mantine-color-placeholder': '#8b98a6',
    '--mantine-color-error': '#ff8787',
    '--mantine-color-anchor': '#7cc4ee',
    '--mantine-color-body': '#0c1117',
    '--page': '#0c1117',
    '--surface': '#12181f',
    '--line': '#232d38',
    '--row-hover': '#161e27',
    '--row-focus': '#12324a',
    '--row-fresh': '#3a2c10',
    '--accent': '#5cc8f5',
  },
});
