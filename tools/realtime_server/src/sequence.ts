/** Ordered values that are found by number and may die. */

/** Where a value stands; whoever added it removes it with this. */
export interface Place<T> {
  readonly number: number;
  /** Undefined once it was removed. */
  value: T | undefined;
}

/**
 * Values in the order of growing numbers. Finding a number takes O(log n). The
 * dead keep their places until they are more than half of all, so that adding
 * and removing take O(1) in the long run, and memory follows the living.
 */
export class Sequence<T> {
  private places: Place<T>[] = [];
  private dead = 0;

  /** `number` is larger than all that were added before. */
  append(number: number, value: T): Place<T> {
    const place = { number, value };
    this.places.push(place);
    return place;
  }

  remove(place: Place<T>): void {
    if (place.value === undefined) return;
    place.value = undefined;
    this.dead++;
    if (this.dead * 2 <= this.places.length) return;
    this.places = this.places.filter(({ value }) => value !== undefined);
    this.dead = 0;
  }

  /** The living whose numbers are larger. Nothing may change meanwhile. */
  *after(number: number): Generator<[number, T]> {
    for (let index = this.firstAfter(number); ; index++) {
      const place = this.places[index];
      if (place === undefined) return;
      if (place.value !== undefined) yield [place.number, place.value];
    }
  }

  /** How many places there are, the dead ones too. */
  get length(): number {
    return this.places.length;
  }

  private firstAfter(number: number): number {
    let low = 0;
    let high = this.places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const place = this.places[middle];
      if (place !== undefined && place.number > number) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
