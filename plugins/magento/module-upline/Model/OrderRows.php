<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\App\ResourceConnection;
use Magento\Framework\DB\Adapter\AdapterInterface;
use Upline\Commission\Domain\BundleSku;
use Upline\Commission\Domain\OrderReaderInterface;
use Upline\Commission\Domain\Reference;

/**
 * Reads orders from the tables themselves, many at once: six queries whatever their number, nothing from the caches of
 * repositories, and nothing that stays in memory.
 */
class OrderRows implements OrderReaderInterface
{
    /**
     * Core's Magento\Catalog\Model\Product\Type\AbstractType::CALCULATE_CHILD.
     */
    private const CALCULATE_CHILD = '0';

    /**
     * @param ResourceConnection $resource
     * @param Connection $connection
     * @param Websites $websites
     * @param References $references
     * @param Told $told
     * @param Config $config
     */
    public function __construct(
        private readonly ResourceConnection $resource,
        private readonly Connection $connection,
        private readonly Websites $websites,
        private readonly References $references,
        private readonly Told $told,
        private readonly Config $config
    ) {
    }

    /**
     * @inheritDoc
     */
    public function read(array $orderIds): array
    {
        $records = [];
        foreach ($this->rows('sales_order', 'entity_id', $orderIds) as $order) {
            $records[(int) $order['entity_id']] = [
                'order' => $order, 'items' => [], 'memos' => [], 'attribution' => [],
            ];
        }
        $orderIds = array_keys($records);
        if (!$orderIds) {
            return [];
        }
        foreach ($this->items($orderIds) as $item) {
            $records[(int) $item['order_id']]['items'][] = $item;
        }
        foreach ($this->memos($orderIds) as $memo) {
            $records[(int) $memo['order_id']]['memos'][] = $memo;
        }
        $countries = $this->countries($orderIds);
        $references = $this->references->ofOrders($orderIds);
        foreach ($records as $id => $record) {
            $records[$id]['order'] = $this->completed($record['order'], $countries[$id] ?? '');
            $records[$id]['attribution'] = $this->attribution(
                $references[$id] ?? [],
                (int) $records[$id]['order']['website_id']
            );
        }
        return $records;
    }

    /**
     * The order with what its own table does not hold.
     *
     * @param array<string, mixed> $order
     * @param string $country
     * @return array<string, mixed>
     */
    private function completed(array $order, string $country): array
    {
        $websiteId = $this->websites->ofStore((int) $order['store_id']);
        $key = $this->connection->at($websiteId)->get('identity_key');
        $email = mb_strtolower(trim((string) ($order['customer_email'] ?? '')), 'UTF-8');
        $order['website_id'] = $websiteId;
        $order['country'] = $country;
        $order['email_hash'] = $key === '' || $email === '' ? '' : hash_hmac('sha256', $email, $key);
        return $order;
    }

    /**
     * What is told of an order's reference.
     *
     * @param array<string, mixed> $reference
     * @param int $websiteId
     * @return array<string, mixed>
     */
    private function attribution(array $reference, int $websiteId): array
    {
        $touches = array_intersect_key($reference, ['first' => true, 'last' => true]);
        return ['manual' => $reference['manual'] ?? '', 'field' => $reference['field'] ?? '']
            + Reference::counted($touches, $this->config->touch($websiteId));
    }

    /**
     * Rows of orders, with what the snapshot has to know of their products.
     *
     * @param int[] $orderIds
     * @return array<int, array<string, mixed>>
     */
    private function items(array $orderIds): array
    {
        $items = $this->rows('sales_order_item', 'order_id', $orderIds);
        $bundles = [];
        foreach ($items as $i => $item) {
            $items[$i]['children_calculated'] = $this->areChildrenCalculated($item['product_options'] ?? null);
            unset($items[$i]['product_options']);
            if ($item['product_type'] === 'bundle' && !$items[$i]['children_calculated']) {
                $bundles[$i] = (int) $item['product_id'];
            }
        }
        if ($bundles) {
            $skus = $this->skus(array_values(array_unique($bundles)));
            $known = $this->told->knownSkus($orderIds);
            foreach ($bundles as $i => $productId) {
                $itemId = (int) $items[$i]['item_id'];
                $items[$i]['own_sku'] = $known[$itemId] ?? $skus[$productId]
                    ?? BundleSku::own((string) $items[$i]['sku'], $this->parts($items, $itemId));
            }
        }
        return $items;
    }

    /**
     * The SKUs of a bundle's parts.
     *
     * @param array<int, array<string, mixed>> $items
     * @param int $bundleId row of the bundle
     * @return string[]
     */
    private function parts(array $items, int $bundleId): array
    {
        $ofBundle = static fn (array $item): bool => (int) ($item['parent_item_id'] ?? 0) === $bundleId;
        return array_column(array_filter($items, $ofBundle), 'sku');
    }

    /**
     * Whether a product's price is that of its parts.
     *
     * @param mixed $options the column product_options
     * @return bool
     */
    private function areChildrenCalculated(mixed $options): bool
    {
        $options = is_string($options) ? json_decode($options, true) : $options;
        return isset($options['product_calculations'])
            && (string) $options['product_calculations'] === self::CALCULATE_CHILD;
    }

    /**
     * SKUs of products by id; those that are gone are missing.
     *
     * @param int[] $productIds
     * @return array<int, string>
     */
    private function skus(array $productIds): array
    {
        $catalogue = $this->resource->getConnection();
        $select = $catalogue->select()
            ->from($this->resource->getTableName('catalog_product_entity'), ['entity_id', 'sku'])
            ->where('entity_id IN (?)', $productIds);
        return $catalogue->fetchPairs($select);
    }

    /**
     * Credit memos with their items.
     *
     * @param int[] $orderIds
     * @return array<int, array<string, mixed>> by id
     */
    private function memos(array $orderIds): array
    {
        $memos = [];
        foreach ($this->rows('sales_creditmemo', 'order_id', $orderIds) as $memo) {
            $memos[(int) $memo['entity_id']] = $memo + ['items' => []];
        }
        if ($memos) {
            foreach ($this->rows('sales_creditmemo_item', 'parent_id', array_keys($memos)) as $item) {
                $memos[(int) $item['parent_id']]['items'][] = $item;
            }
        }
        return $memos;
    }

    /**
     * Where the goods go, or where the bill does.
     *
     * @param int[] $orderIds
     * @return array<int, string> by order id
     */
    private function countries(array $orderIds): array
    {
        $select = $this->sales()->select()
            ->from($this->table('sales_order_address'), ['parent_id', 'country_id'])
            ->where('parent_id IN (?)', $orderIds)
            ->order('address_type ASC'); // Billing comes first, and shipping overwrites it.
        return $this->sales()->fetchPairs($select);
    }

    /**
     * All columns of rows, in the order of their ids.
     *
     * @param string $table
     * @param string $column
     * @param int[] $ids
     * @return array<int, array<string, mixed>>
     */
    private function rows(string $table, string $column, array $ids): array
    {
        if (!$ids) {
            return [];
        }
        $select = $this->sales()->select()
            ->from($this->table($table))
            ->where($column . ' IN (?)', $ids)
            ->order($table === 'sales_order_item' ? 'item_id ASC' : 'entity_id ASC');
        return $this->sales()->fetchAll($select);
    }

    /**
     * The connection of orders.
     *
     * @return AdapterInterface
     */
    private function sales(): AdapterInterface
    {
        return $this->resource->getConnection('sales');
    }

    /**
     * A table with the shop's prefix.
     *
     * @param string $name
     * @return string
     */
    private function table(string $name): string
    {
        return $this->resource->getTableName($name, 'sales');
    }
}
