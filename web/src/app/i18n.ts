/** Languages: English is complete by definition, German by test. The choice is kept in this browser. */
import i18n from 'i18next';
import { initReactI18next } from 'react-i18next';
import de from './locales/de.json';
import en from './locales/en.json';

export const LANGUAGES = [
  { value: 'en', label: 'English' },
  { value: 'de', label: 'Deutsch' },
];

const STORED = 'filmless.language';

function firstLanguage(): string {
  const wanted = [localStorage.getItem(STORED), ...navigator.languages].map((tag) => tag?.slice(0, 2));
  return wanted.find((tag) => LANGUAGES.some((language) => language.value === tag)) ?? 'en';
}

export function startI18n(): void {
  void i18n.use(initReactI18next).init({
    resources: { en: { translation: en }, de: { translation: de } },
    lng: firstLanguage(),
    fallbackLng: 'en',
    // React escapes what it shows.
    interpolation: { escapeValue: false },
  });
  const tell = (language: string) => {
    document.documentElement.lang = language;
    document.documentElement.dir = i18n.dir(language);
  };
  tell(i18n.language);
  i18n.on('languageChanged', tell);
}

export function chooseLanguage(language: string): void {
  localStorage.setItem(STORED, language);
  void i18n.changeLanguage(language);
}
