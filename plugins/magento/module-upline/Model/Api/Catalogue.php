<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Api;

use Magento\Catalog\Model\ResourceModel\Product\CollectionFactory;
use Magento\Framework\Exception\InputException;
use Upline\Commission\Api\CatalogueInterface;
use Upline\Commission\Api\Data\CouponReportInterface;
use Upline\Commission\Domain\Decimal;
use Upline\Commission\Model\Config;
use Upline\Commission\Model\Coupons;
use Upline\Commission\Model\Data\Article;
use Upline\Commission\Model\Stock;

/**
 * @inheritDoc
 */
class Catalogue implements CatalogueInterface
{
    private const PAGE = 200;
    private const COUPONS = 500;

    /**
     * Products whose SKU stands in no row of an order that carries money.
     */
    private const NEVER_SOLD = ['configurable', 'grouped'];

    /**
     * @param CollectionFactory $products
     * @param Stock $stock
     * @param Coupons $coupons
     * @param Config $config
     * @param Caller $caller
     */
    public function __construct(
        private readonly CollectionFactory $products,
        private readonly Stock $stock,
        private readonly Coupons $coupons,
        private readonly Config $config,
        private readonly Caller $caller
    ) {
    }

    /**
     * @inheritDoc
     */
    public function articles(int $afterId = 0, int $limit = 100, int $websiteId = 0): array
    {
        if ($limit < 1 || $limit > self::PAGE) {
            throw new InputException(__('limit: give a whole number from 1 to %1', self::PAGE));
        }
        $websiteId = $websiteId ?: $this->caller->connection()->websiteId();
        $products = $this->products->create();
        $products->setStoreId(0);
        $products->addAttributeToSelect(['name', 'price'], 'left');
        $products->addFieldToFilter('entity_id', ['gt' => $afterId]);
        $products->addFieldToFilter('type_id', ['nin' => self::NEVER_SOLD]);
        $products->setOrder('entity_id', 'ASC');
        $products->setPageSize($limit);
        $articles = [];
        foreach ($products as $product) {
            $sku = (string) $product->getSku();
            $held = $this->stock->of($sku, (int) $product->getId(), (string) $product->getTypeId(), $websiteId);
            $articles[] = new Article([
                'id' => (int) $product->getId(),
                'sku' => $sku,
                'name' => (string) $product->getName(),
                'type' => (string) $product->getTypeId(),
                'price' => Decimal::text(Decimal::fine($product->getData('price'))),
                'quantity' => Decimal::plain($held ?? 0),
                'counted' => $held !== null,
            ]);
        }
        return $articles;
    }

    /**
     * @inheritDoc
     */
    public function coupons(array $coupons, string $percent = ''): CouponReportInterface
    {
        if (count($coupons) > self::COUPONS) {
            throw new InputException(__('coupons: give %1 at most', self::COUPONS));
        }
        $percent = $percent === '' ? (string) $this->config->couponPercent() : $percent;
        if (preg_match('/^(100(\.0{1,4})?|\d{1,2}(\.\d{1,4})?)$/D', $percent) !== 1) {
            throw new InputException(__('percent: give a decimal from 0 to 100'));
        }
        $told = [];
        foreach ($coupons as $coupon) {
            $told[] = [
                'code' => $coupon->getCode(),
                'distributor_id' => $coupon->getDistributorId(),
                'active' => $coupon->isActive(),
            ];
        }
        return $this->coupons->bring($told, $percent);
    }
}
