/** Seconds as h:mm:ss, without hours where there are none. */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** The seconds of h:mm:ss or m:ss. */
export function secondsOf(text) {
  return text.split(":").reduce((all, part) => all * 60 + (Number(part) || 0), 0);
}
