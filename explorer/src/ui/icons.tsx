/** The page's few pictures; all are decoration beside words or a label. */

const PATHS = {
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16.2 16.2 21 21",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M5 5l1.8 1.8M17.2 17.2 19 19M5 19l1.8-1.8M17.2 6.8 19 5",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z",
  auto: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 3v18",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M4.5 20.5c1-4 4-5.5 7.5-5.5s6.5 1.500 7.500 5.500",
  home: "M4 11l8-7 8 7M6 9.500V20h12V9.500",
  graph:
    "M6 6.500a2 2 0 1 0 0-.1M18 6.500a2 2 0 1 0 0-.1M12 18.500a2 2 0 1 0 0-.1M7 8l4 8.500M17 8l-4 8.500M8 6.500h8",
  course:
    "M4 5.500c3-1 5.500-.500 8 1 2.500-1.500 5-2 8-1V19c-3-1-5.500-.500-8 1-2.500-1.500-5-2-8-1ZM12 6.500V20",
  health: "M3 12h4l2.500-6 5 12 2.500-6h4",
  learner: "M3 9l9-4 9 4-9 4ZM7 11v5c3 2.500 7 2.500 10 0v-5",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  copy: "M9 9h11v11H9ZM5 15H4V4h11v1",
  out: "M10 5H5v14h14v-5M14 4h6v6M20 4l-9 9",
  close: "M6 6l12 12M18 6 6 18",
  next: "M9 5l7 7-7 7",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon(props: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[props.name]} />
    </svg>
  );
}

/** A button that is an icon, with its name for who points at it or hears it. */
export function IconButton(props: {
  icon: IconName;
  label: string;
  lit?: boolean;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      class={props.lit ? "tool icon-only lit" : "tool icon-only"}
      aria-label={props.label}
      title={props.label}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}
