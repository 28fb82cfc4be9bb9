<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit;

/**
 * Orders recorded from a real store by core REST, brought back to the columns of its database. REST rewrites row totals;
 * what it leaves alone gives them back: total with tax - tax - fixed product tax = net = row total - discount +
 * discount tax compensation.
 */
class Recorded
{
    private const FOLDER = __DIR__ . '/../../../../../adapters/magento/testdata/';

    /**
     * A file of the server's test data, read as JSON.
     *
     * @param string $name
     * @return array<string, mixed>
     */
    public static function json(string $name): array
    {
        return json_decode((string) file_get_contents(self::FOLDER . $name), true, 512, JSON_THROW_ON_ERROR);
    }

    /**
     * Where a file of the server's test data is.
     *
     * @param string $name
     * @return string
     */
    public static function path(string $name): string
    {
        return self::FOLDER . $name;
    }

    /**
     * A recorded order as OrderReaderInterface gives it.
     *
     * @param string $name
     * @param string[] $memos files with its credit memos
     * @return array<string, mixed>
     */
    public static function record(string $name, array $memos = []): array
    {
        $order = self::json('recorded/' . $name);
        $items = [];
        foreach ($order['items'] as $item) {
            $items[] = self::item($item, $order['items']);
        }
        $order['website_id'] = '1';
        $order['country'] = $order['extension_attributes']['shipping_assignments'][0]['shipping']['address']['country_id'];
        return [
            'order' => self::texts($order),
            'items' => $items,
            'memos' => array_map(static function (string $file): array {
                $memo = self::json('recorded/' . $file);
                return ['items' => array_map([self::class, 'texts'], $memo['items'])] + self::texts($memo);
            }, $memos),
            'attribution' => [],
        ];
    }

    /**
     * One row.
     *
     * @param array<string, mixed> $item
     * @param array<int, array<string, mixed>> $all
     * @return array<string, mixed>
     */
    private static function item(array $item, array $all): array
    {
        foreach (['base_' => 'base_weee_tax_applied_amount', '' => 'weee_tax_applied_row_amount'] as $side => $fixed) {
            $item[$side . 'row_total'] = ($item[$side . 'row_total_incl_tax'] ?? 0) - ($item[$side . 'tax_amount'] ?? 0)
                - ($item[$fixed] ?? 0) + ($item[$side . 'discount_amount'] ?? 0)
                - ($item[$side . 'discount_tax_compensation_amount'] ?? 0);
        }
        $item['children_calculated'] = false;
        foreach ($all as $other) {
            if (($other['parent_item_id'] ?? 0) === $item['item_id'] && $other['base_price'] > 0) {
                $item['children_calculated'] = true;
            }
        }
        if ($item['product_type'] === 'bundle') {
            $item['own_sku'] = $item['sku'];
        }
        return self::texts($item);
    }

    /**
     * Numbers as the database driver gives them.
     *
     * @param array<string, mixed> $row
     * @return array<string, mixed>
     */
    private static function texts(array $row): array
    {
        foreach ($row as $name => $value) {
            if (is_int($value)) {
                $row[$name] = (string) $value;
            } elseif (is_float($value)) {
                $row[$name] = sprintf('%.4F', $value);
            }
        }
        return array_filter($row, static fn ($value): bool => !is_array($value));
    }
}
