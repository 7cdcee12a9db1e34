import { pickOf, randomOf } from '../../kit';
import { brands, departments, type Kind, type Shelf } from './seed-catalogue';
import { type Category, type Medium, type Product } from './table';

/** Categories: the departments and their shelves. */
export function* seedCategories(): Generator<Category> {
  for (const department of departments) {
    yield createCategory(department, 'root');
    for (const shelf of department.shelves) yield createCategory(shelf, department.id);
  }
}

/** 300 products, `p1` to `p300`, the same ones every time: each shelf has every kind in every variant. */
export function* seedProducts(): Generator<Product> {
  const shelves = departments.flatMap((department) => department.shelves);
  for (let i = 0; i < 300; i++) {
    const shelf = shelves[i % shelves.length]!;
    const n = Math.floor(i / shelves.length);
    const kind = shelf.kinds[n % shelf.kinds.length]!;
    const variant = shelf.variants[Math.floor(n / shelf.kinds.length)]!;
    yield createProduct(i + 1, { shelf, kind, variant });
  }
}

function createCategory({ id, name }: { id: string; name: string }, parentId: string): Category {
  return { id, name, parentId, listing: 'all', sortName: name.toLowerCase() };
}

function createProduct(
  i: number,
  { shelf, kind, variant }: { shelf: Shelf; kind: Kind; variant: string },
): Product {
  const upc = `p${i}`;
  const name = `${variant} ${kind.name}`;
  const scale = 0.85 + 0.4 * randomOf(`${upc} scale`);
  const euros = Math.round(kind.euros * (0.75 + 0.7 * randomOf(`${upc} price`)));
  const [width, height, depth] = kind.size.map((length) => Math.round(length * scale));
  return {
    upc,
    sku: `WR-${String(i).padStart(4, '0')}`,
    name,
    brand: pickOf(`${upc} brand`, brands),
    description: kind.description,
    price: euros * 100 - 5,
    weight: Math.round((kind.grams * scale) / 5) * 5,
    dimensions: { width: width!, height: height!, depth: depth! },
    categoryId: shelf.id,
    media: [...createMedia(upc, name)],
    listing: 'all',
    sortName: name.toLowerCase(),
  };
}

function* createMedia(upc: string, name: string): Generator<Medium> {
  const images = ['on white', 'in use', 'from above'].slice(0, 1 + Math.floor(randomOf(`${upc} images`) * 3));
  for (const [i, view] of images.entries()) {
    const id = `${upc}-m${i + 1}`;
    const url = `https://media.example.com/${id}.jpg`;
    yield { kind: 'Image', id, url, alt: `${name}, ${view}`, width: 1600, height: 1200 };
  }
  if (randomOf(`${upc} video`) < 0.3) {
    const id = `${upc}-m${images.length + 1}`;
    const url = `https://media.example.com/${id}.mp4`;
    const duration = 20 + Math.floor(randomOf(`${upc} duration`) * 70);
    yield { kind: 'Video', id, url, alt: `A film of: ${name}`, duration };
  }
}
