import { ActionIcon, Button, Group, Popover } from '@mantine/core';
import { DatePicker } from '@mantine/dates';
import { useDisclosure } from '@mantine/hooks';
import { IconCalendar, IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { dayAfter, formatDayInWords, localeOf } from './format';

interface Props {
  /** YYYY-MM-DD, or empty for all days */
  day: string;
  today: string;
  onDay: (day: string) => void;
  words: { previous: string; next: string; today: string; pick: string; all: string };
  /** The language of the interface. */
  language: string;
}

/** One day, the day before, the day after, today, or any from a calendar. */
export function DayNavigator({ day, today, onDay, words, language }: Props) {
  const [opened, calendar] = useDisclosure(false);
  const from = day || today;
  return (
    <Group gap={6} wrap="nowrap" className="day-navigator">
      <ActionIcon
        variant="default"
        size={32}
        aria-label={words.previous}
        onClick={() => onDay(dayAfter(from, -1))}
      >
        <IconChevronLeft size={16} aria-hidden />
      </ActionIcon>
      <Popover opened={opened} onChange={calendar.toggle} trapFocus returnFocus shadow="md" withArrow>
        <Popover.Target>
          <Button
            variant="default"
            size="xs"
            h={32}
            className="day-shown"
            leftSection={<IconCalendar size={15} aria-hidden />}
            onClick={calendar.toggle}
            title={words.pick}
          >
            {day ? formatDayInWords(day, localeOf(language)) : words.all}
          </Button>
        </Popover.Target>
        <Popover.Dropdown aria-label={words.pick}>
          <DatePicker
            locale={language}
            value={day || null}
            defaultDate={from}
            ariaLabels={{ previousMonth: words.previous, nextMonth: words.next }}
            onChange={(picked) => {
              if (picked) onDay(picked);
              calendar.close();
            }}
          />
        </Popover.Dropdown>
      </Popover>
      <ActionIcon
        variant="default"
        size={32}
        aria-label={words.next}
        onClick={() => onDay(dayAfter(from, 1))}
      >
        <IconChevronRight size={16} aria-hidden />
      </ActionIcon>
      <Button variant="subtle" size="xs" h={32} px={8} onClick={() => onDay(today)}>
        {words.today}
      </Button>
    </Group>
  );
}
