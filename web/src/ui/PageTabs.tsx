import { NavLink } from 'react-router';

interface Props {
  label: string;
  tabs: { to: string; label: string }[];
}

/** Pages that belong together, side by side: links, so that each has an address and "back" works. */
export function PageTabs({ label, tabs }: Props) {
  return (
    <nav className="tab-bar" aria-label={label}>
      {tabs.map((tab) => (
        <NavLink key={tab.to} to={tab.to} end>
          {tab.label}
        </NavLink>
      ))}
    </nav>
  );
}
