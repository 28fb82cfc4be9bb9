<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Integration;

use Magento\Framework\Api\SearchCriteriaBuilder;
use Magento\Sales\Api\OrderRepositoryInterface;
use PHPUnit\Framework\TestCase;
use Upline\Commission\Model\References;

/**
 * A reference goes from the cart to the order, and the repository of orders tells it.
 *
 * @magentoDbIsolation disabled
 * @magentoAppArea frontend
 */
class ReferenceTest extends TestCase
{
    use Connected;

    /**
     * @magentoDataFixture Magento/Sales/_files/order.php
     */
    public function testTheOrderTakesTheReferenceOfItsCart(): void
    {
        $references = $this->make(References::class);
        $id = (int) $this->order()->getId();
        $references->typed(4711, 'ANNA10');
        $references->ordered($id, 4711, 0);
        $orders = $this->make(OrderRepositoryInterface::class);
        $one = $orders->get($id)->getExtensionAttributes()->getUplineReference();
        $this->assertSame('ANNA10', $one->getField());
        $found = $orders->getList(
            $this->make(SearchCriteriaBuilder::class)->addFilter('entity_id', $id)->create()
        )->getItems();
        $this->assertSame('ANNA10', reset($found)->getExtensionAttributes()->getUplineReference()->getField());
    }

    /**
     * @magentoDataFixture Magento/Sales/_files/order.php
     */
    public function testAnEditedOrderHandsItsReferenceOn(): void
    {
        $references = $this->make(References::class);
        $id = (int) $this->order()->getId();
        $references->chosen($id, 'BEN', 'by telephone', 1);
        $references->ordered($id + 1, 4712, $id);
        $this->assertSame('BEN', $references->ofOrders([$id + 1])[$id + 1]['manual'] ?? '');
    }
}
