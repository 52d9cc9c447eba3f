/**
 * One coarse timer wheel for all connections of a thread. Setting a deadline is nearly always one number written to a field:
 * an entry stays in the slot where it is, and only when that slot comes up is it looked at and moved on. Deadlines are never
 * early and at most two ticks late.
 */
export abstract class Timed {
  /** Wheel time at which `onDeadline` is due, 0: none. Use `TimerWheel.set` and `clear`. */
  dueAtMs: number
  /** Number of the tick whose slot holds this entry, -1: in none. */
  slotTick: number
  previous: Timed | null
  next: Timed | null

  constructor() {
    this.dueAtMs = 0
    this.slotTick = -1
    this.previous = null
    this.next = null
  }

  abstract onDeadline(): void
}

class SlotHead extends Timed {
  override onDeadline(): void {
    throw new Error('the head of a slot has no deadline')
  }
}

const SLOT_COUNT = 1024
/** Time that the loop was blocked is not held against peers: their bytes wait in the kernel and are read after the timers. */
const TICKS_AT_ONCE_MAX = 4

export class TimerWheel {
  readonly tickMs: number
  #tick = 0
  #slots: SlotHead[] = []
  #entryCount = 0
  #interval: NodeJS.Timeout | null = null
  #lastTickAtMs = 0

  constructor(tickMs = 100) {
    this.tickMs = tickMs
    for (let i = 0; i < SLOT_COUNT; i++) this.#slots.push(new SlotHead())
  }

  /** `entry.onDeadline()` is called once, `delayMs` or up to two ticks more from now, unless set again or cleared. */
  set(entry: Timed, delayMs: number): void {
    const dueTick = this.#tick + 1 + Math.ceil(delayMs / this.tickMs)
    entry.dueAtMs = dueTick * this.tickMs
    if (entry.slotTick !== -1) {
      if (entry.slotTick <= dueTick) return
      this.#unlink(entry)
    }
    this.#link(entry, dueTick)
  }

  /** No deadline for now. The entry stays in its slot: `remove` it when its owner ends. */
  clear(entry: Timed): void {
    entry.dueAtMs = 0
  }

  remove(entry: Timed): void {
    entry.dueAtMs = 0
    if (entry.slotTick !== -1) this.#unlink(entry)
  }

  /** Moves the wheel by `count` ticks. Called by its own interval, and by tests. */
  advance(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#tick++
      this.#runSlot()
    }
  }

  #runSlot(): void {
    const slot = this.#slots[this.#tick % SLOT_COUNT]!
    const nowMs = this.#tick * this.tickMs
    // What is linked anew from here never lands in this slot again.
    for (let entry = slot.next; entry !== null; entry = slot.next) {
      this.#unlink(entry)
      if (entry.dueAtMs > nowMs) {
        this.#link(entry, entry.dueAtMs / this.tickMs)
      } else if (entry.dueAtMs !== 0) {
        entry.dueAtMs = 0
        entry.onDeadline()
      }
    }
  }

  #link(entry: Timed, dueTick: number): void {
    const tick = Math.min(dueTick, this.#tick + SLOT_COUNT - 1)
    const slot = this.#slots[tick % SLOT_COUNT]!
    entry.slotTick = tick
    // `slot.previous` is the last entry of the list.
    entry.previous = slot.previous
    entry.next = null
    if (slot.previous === null) slot.next = entry
    else slot.previous.next = entry
    slot.previous = entry
    this.#entryCount++
    if (this.#interval === null) this.#startInterval()
  }

  #unlink(entry: Timed): void {
    const slot = this.#slots[entry.slotTick % SLOT_COUNT]!
    if (entry.previous === null) slot.next = entry.next
    else entry.previous.next = entry.next
    if (entry.next === null) slot.previous = entry.previous
    else entry.next.previous = entry.previous
    entry.slotTick = -1
    entry.previous = null
    entry.next = null
    this.#entryCount--
  }

  #startInterval(): void {
    this.#lastTickAtMs = performance.now()
    this.#interval = setInterval(() => this.#onInterval(), this.tickMs)
    this.#interval.unref()
  }

  #onInterval(): void {
    const nowMs = performance.now()
    const ticks = Math.floor((nowMs - this.#lastTickAtMs) / this.tickMs + 0.5)
    this.#lastTickAtMs = ticks > TICKS_AT_ONCE_MAX ? nowMs : this.#lastTickAtMs + ticks * this.tickMs
    this.advance(Math.min(ticks, TICKS_AT_ONCE_MAX))
    if (this.#entryCount === 0 && this.#interval !== null) {
      clearInterval(this.#interval)
      this.#interval = null
    }
  }
}

/** The wheel of this thread. */
export const wheel: TimerWheel = new TimerWheel()
