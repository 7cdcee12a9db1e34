/** The sample catalogue: twelve shelves, each with five kinds of products in five variants. */

export interface Department {
  readonly id: string;
  readonly name: string;
  readonly shelves: readonly Shelf[];
}

export interface Shelf {
  readonly id: string;
  readonly name: string;
  readonly variants: readonly string[];
  readonly kinds: readonly Kind[];
}

export interface Kind {
  readonly name: string;
  /** Approximate price in euros. */
  readonly euros: number;
  /** Approximate weight with packaging, in grams. */
  readonly grams: number;
  /** Approximate width, height and depth with packaging, in millimetres. */
  readonly size: readonly [number, number, number];
  readonly description: string;
}

function shelf(id: string, name: string, variants: string, ...kinds: Kind[]): Shelf {
  return { id, name, variants: variants.split(', '), kinds };
}

function kind(name: string, euros: number, grams: number, size: Kind['size'], description: string): Kind {
  return { name, euros, grams, size, description };
}

export const brands = [
  'Aldermoor',
  'Bergstad',
  'Corvo',
  'Fjell & Sons',
  'Halden',
  'Kestrel',
  'Lindeman',
  'Marlow',
  'Nordhem',
  'Oosterhuis',
  'Pellworm',
  'Tramontana',
];

// oxfmt-ignore
export const departments: readonly Department[] = [
  {
    id: 'kitchen',
    name: 'Kitchen',
    shelves: [
      shelf('cookware', 'Cookware', 'Cast-Iron, Carbon-Steel, Copper, Enamelled, Stainless-Steel',
        kind('Skillet', 60, 2400, [300, 80, 480], 'Sears on the hob, finishes in the oven and goes to the table as it is.'),
        kind('Saucepan', 48, 1500, [220, 160, 400], 'Pours from either side without a drip. The lid drains pasta as well.'),
        kind('Casserole', 110, 4200, [320, 210, 320], 'For stews that take an afternoon. The heavy lid keeps the steam where it belongs.'),
        kind('Roasting Tin', 42, 1900, [420, 100, 320], 'High sides, wide handles and a rack that lifts out in one piece.'),
        kind('Wok', 55, 1700, [360, 140, 520], 'Thin where it should be hot and thick where it should not.')),
      shelf('tableware', 'Tableware', 'Stoneware, Bamboo, Porcelain, Speckled, Terracotta',
        kind('Dinner Plate', 18, 700, [280, 40, 280], 'Flat enough to cut on, with a rim that keeps the sauce. Safe in the dishwasher.'),
        kind('Cereal Bowl', 14, 480, [170, 80, 170], 'Deep, steady, and comfortable to hold on a sofa.'),
        kind('Mug', 12, 380, [130, 110, 100], 'Holds 350 ml and keeps it warm. The handle has room for a whole hand.'),
        kind('Serving Platter', 34, 1300, [400, 50, 280], 'Large enough for a fish, handsome enough for a wall.'),
        kind('Salad Bowl', 38, 1600, [300, 140, 300], 'Enough for eight, and it does not mind the vinegar.')),
      shelf('appliances', 'Small Appliances', 'Compact, Family-Size, Programmable, Quiet, Retro',
        kind('Coffee Maker', 120, 3600, [220, 380, 320], 'Brews at 94 degrees and stops by itself. Every part that gets dirty comes off.'),
        kind('Kettle', 55, 1400, [230, 260, 180], 'Boils one cup in 45 seconds, seven in four minutes.'),
        kind('Toaster', 60, 2100, [320, 220, 220], 'Slots wide enough for sourdough, and a lift for the last centimetre.'),
        kind('Hand Blender', 49, 1100, [90, 400, 90], 'Soup in the pot in two minutes. The foot unclips for the dishwasher.'),
        kind('Food Processor', 140, 5200, [260, 420, 320], 'Chops, grates, kneads, and fits in a cupboard afterwards.')),
    ],
  },
  {
    id: 'home',
    name: 'Home',
    shelves: [
      shelf('lighting', 'Lighting', 'Brass, Linen-Shade, Opal-Glass, Paper, Smoked-Glass',
        kind('Reading Lamp', 75, 1800, [220, 480, 220], 'Turns and tilts, and lights the page instead of the room.'),
        kind('Floor Lamp', 140, 6200, [320, 300, 1500], 'Dims to a glow. The foot is heavy enough for children and dogs.'),
        kind('Pendant', 95, 2300, [380, 320, 380], 'Hangs from two metres of textile cord that shortens without tools.'),
        kind('Wall Light', 68, 1300, [180, 260, 160], 'Needs a plug or a wire, as you like; both are in the box.'),
        kind('Bedside Lamp', 52, 1200, [180, 320, 180], 'Touch it once for light, twice for less of it.')),
      shelf('textiles', 'Textiles', 'Linen, Merino, Organic-Cotton, Recycled-Wool, Waffle-Weave',
        kind('Throw', 80, 1100, [360, 90, 300], 'Woven in one piece, 130 by 180 centimetres, and softer after each wash.'),
        kind('Cushion Cover', 28, 260, [300, 30, 260], '50 by 50 centimetres, with a zip that hides in the seam.'),
        kind('Bath Towel', 30, 620, [320, 80, 260], 'Dries a person and then itself, by the next morning.'),
        kind('Duvet Cover', 110, 1500, [360, 90, 300], 'Buttons at the foot, openings at the corners, no fighting with it.'),
        kind('Table Runner', 35, 340, [300, 30, 220], 'Two metres long, hemmed by hand, forgiving of red wine.')),
      shelf('furniture', 'Furniture', 'Oak, Ash, Birch, Rattan, Walnut',
        kind('Side Table', 130, 7500, [520, 160, 520], 'As high as an armrest. Three legs, so it stands on any floor.'),
        kind('Stool', 85, 4300, [380, 480, 380], 'Carries 150 kilograms and stacks four high.'),
        kind('Bookshelf', 260, 24000, [900, 180, 1900], 'Five shelves that hold a metre of books each without bending.'),
        kind('Bench', 190, 13500, [1200, 200, 420], 'Seats two in the hall or three at the table.'),
        kind('Coat Stand', 95, 6100, [400, 220, 1750], 'Eight hooks in three heights, and a ring for umbrellas.')),
    ],
  },
  {
    id: 'outdoors',
    name: 'Outdoors',
    shelves: [
      shelf('camping', 'Camping', 'Ultralight, All-Season, Expedition, Trail, Weekend',
        kind('Tent', 280, 2600, [480, 160, 160], 'Sleeps two, pitches in five minutes, and was left out in a gale to see what happens.'),
        kind('Sleeping Bag', 150, 1300, [380, 220, 220], 'Comfortable down to zero degrees. The zip does not bite the lining.'),
        kind('Camping Stove', 65, 640, [160, 130, 130], 'Boils a litre in three minutes and folds to the size of a fist.'),
        kind('Hammock', 58, 720, [220, 160, 160], 'Straps included that leave the bark of the tree alone.'),
        kind('Lantern', 36, 410, [110, 190, 110], '200 hours on one charge, and a hook to hang it by.')),
      shelf('cycling', 'Cycling', 'Commuter, City, Reflective, Touring, Winter',
        kind('Pannier', 72, 1100, [320, 420, 180], 'Twenty litres, welded seams, and a clip that fits every rack.'),
        kind('Bike Light Set', 45, 230, [110, 80, 90], 'Front and rear, seen from 800 metres, charged by any cable.'),
        kind('Rain Jacket', 110, 420, [300, 60, 260], 'Long at the back, loose at the shoulders, dry inside.'),
        kind('Gloves', 34, 140, [220, 40, 130], 'Warm enough to brake, thin enough to use a phone.'),
        kind('Helmet', 80, 480, [320, 220, 260], 'Adjusts with one hand. Tested above the norm, and it looks like a hat.')),
      shelf('garden', 'Garden', 'Forged, Galvanised, Heritage, Lightweight, Long-Reach',
        kind('Trowel', 19, 380, [90, 60, 320], 'One piece from tip to tail, so there is nothing to come loose.'),
        kind('Pruning Shears', 38, 340, [80, 40, 240], 'Cuts up to 22 millimetres. Every part can be bought anew.'),
        kind('Watering Can', 42, 1500, [420, 340, 190], 'Nine litres, balanced when full, with a rose that does not clog.'),
        kind('Hand Fork', 18, 350, [90, 60, 320], 'For weeds with ideas of their own.'),
        kind('Planter', 55, 3900, [400, 360, 400], 'Drains at the bottom and stands frost down to minus fifteen.')),
    ],
  },
  {
    id: 'study',
    name: 'Study',
    shelves: [
      shelf('stationery', 'Stationery', 'Clothbound, Dotted, Letterpress, Pocket, Recycled',
        kind('Notebook', 16, 320, [150, 20, 210], '192 numbered pages that lie flat and take ink on both sides.'),
        kind('Planner', 24, 410, [150, 25, 210], 'A week on two pages, and space for what did not get done.'),
        kind('Sketchbook', 22, 520, [220, 20, 300], 'Paper of 160 grams, stitched, perforated for giving away.'),
        kind('Address Book', 14, 190, [110, 15, 160], 'For those who still write letters.'),
        kind('Card Set', 18, 240, [120, 30, 170], 'Twelve cards and envelopes, blank inside.')),
      shelf('bags', 'Bags', 'Waxed-Canvas, Felt, Leather, Ripstop, Roll-Top',
        kind('Backpack', 120, 1200, [320, 460, 180], 'Takes a laptop, a lunch and a coat, in that order.'),
        kind('Tote', 48, 460, [400, 60, 400], 'Stands by itself while you pack it.'),
        kind('Messenger Bag', 98, 1050, [400, 300, 120], 'Opens with one hand on a moving train.'),
        kind('Laptop Sleeve', 39, 290, [360, 30, 260], 'Padded at the corners, where it matters.'),
        kind('Weekender', 150, 1600, [520, 320, 280], 'Three days of clothes, and accepted as hand luggage.')),
      shelf('audio', 'Audio', 'Wireless, Compact, Studio, Travel, Walnut-Finish',
        kind('Headphones', 160, 640, [200, 220, 100], 'Thirty hours on a charge. Cushions and cable can be replaced.'),
        kind('Speaker', 130, 2100, [180, 240, 180], 'Fills a room without shouting, and pairs with a second one.'),
        kind('Earbuds', 95, 120, [90, 40, 90], 'Four sizes of tips, so that one of them stays in.'),
        kind('Record Player', 240, 6300, [450, 160, 380], 'Belt-driven, with a preamplifier that can be switched off.'),
        kind('Radio', 85, 1700, [280, 180, 120], 'One knob to find a station and one to keep the peace.')),
    ],
  },
];
